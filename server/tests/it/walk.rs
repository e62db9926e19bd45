//! The documented walk by hand, as it stands in `docs/`.

use crate::harness::world;

#[tokio::test(flavor = "multi_thread")]
async fn the_walk_by_hand_does_h1_to_h5_and_a_second_verify_is_refused() {
    let (_process, world) = world().await;
    // Tests run in the folder of their package.
    let script = "../docs/walk.sh";
    let output = tokio::process::Command::new("bash")
        .arg(script)
        .arg(world.origins.of(authority::ID).as_str())
        .arg(world.folder())
        .output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{errors}");
    for line in [
        "== H1",
        "== H3",
        "== H5",
        "\"name\":\"Alice Moreau\"",
        "\n200\n",
        "\n400\n",
        "== Done",
    ] {
        assert!(
            text.contains(line),
            "{line} is missing in:\n{text}\n{errors}"
        );
    }
}
