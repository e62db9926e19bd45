//! The keys by which clients report.

use handoff::ids::ClientId;
use handoff::token::{ReportKey, Secret};
use lab::store::Store;

pub(crate) async fn a_client_has_one_key_which_is_replaced_and_revoked(store: &dyn Store) {
    let client = |name| ClientId::parse(name).unwrap();
    let (probe, other) = (client("probe"), client("other"));
    let key = |n| ReportKey::mint([n; 32]).digest();
    let whose = async |n| store.find_reporter(key(n)).await.unwrap();
    assert_eq!(whose(1).await, None);
    store.set_report_key(&probe, key(1)).await.unwrap();
    store.set_report_key(&other, key(2)).await.unwrap();
    assert_eq!(whose(1).await, Some(probe.clone()));
    assert_eq!(whose(2).await, Some(other.clone()));
    store.set_report_key(&probe, key(3)).await.unwrap();
    assert_eq!(
        (whose(1).await, whose(3).await),
        (None, Some(probe.clone()))
    );
    assert!(store.revoke_report_key(&probe).await.unwrap());
    assert!(!store.revoke_report_key(&probe).await.unwrap());
    assert_eq!((whose(3).await, whose(2).await), (None, Some(other)));
}
