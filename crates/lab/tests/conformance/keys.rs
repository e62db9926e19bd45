//! By what a flow is asked for.

use lab::store::Key;

pub(crate) fn only_ids_are_keys() {
    for bad in [
        "",
        "0",
        &"0".repeat(33),
        &"0".repeat(31),
        &"A".repeat(32),
        "../../etc/passwd",
    ] {
        assert!(Key::parse(bad).is_err(), "{bad:?}");
    }
    assert!(Key::of_trace(&"a".repeat(16)).is_ok());
    assert!(Key::of_trace(&"a".repeat(32)).is_err());
}
