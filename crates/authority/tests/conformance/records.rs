use time::Duration;

use super::world::{START, TICK, World};

const ONE: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];
const HOUR: Duration = Duration::hours(1);

pub(crate) async fn a_record_reads_back_under_its_id_only<F>(world: World<F>) {
    let store = &world.store;
    assert_eq!(store.get(ONE, START).await.unwrap(), None);
    let data: Vec<u8> = (0..=255).collect();
    store.put(ONE, data.clone(), START + HOUR).await.unwrap();
    store.put(OTHER, vec![], START + HOUR).await.unwrap();
    assert_eq!(store.get(ONE, START).await.unwrap(), Some(data));
    assert_eq!(store.get(OTHER, START).await.unwrap(), Some(vec![]));
    assert_eq!(store.get([3; 32], START).await.unwrap(), None);
}

pub(crate) async fn a_record_is_replaced_with_its_expiry<F>(world: World<F>) {
    let store = &world.store;
    store.put(ONE, vec![1], START + HOUR).await.unwrap();
    store.put(ONE, vec![2], START + HOUR * 2).await.unwrap();
    assert_eq!(store.get(ONE, START + HOUR).await.unwrap(), Some(vec![2]));
    store.put(ONE, vec![3], START + HOUR).await.unwrap();
    assert_eq!(store.get(ONE, START).await.unwrap(), Some(vec![3]));
    assert_eq!(store.get(ONE, START + HOUR).await.unwrap(), None);
}

pub(crate) async fn a_record_expires<F>(world: World<F>) {
    let store = &world.store;
    store.put(ONE, vec![1], START + HOUR).await.unwrap();
    let before = store.get(ONE, START + HOUR - TICK).await.unwrap();
    assert_eq!(before, Some(vec![1]));
    assert_eq!(store.get(ONE, START + HOUR).await.unwrap(), None);
}

pub(crate) async fn a_removed_record_is_gone_and_no_other<F>(world: World<F>) {
    let store = &world.store;
    for id in [ONE, OTHER] {
        store.put(id, vec![1], START + HOUR).await.unwrap();
    }
    for _ in 0..2 {
        store.remove(ONE).await.unwrap();
        assert_eq!(store.get(ONE, START).await.unwrap(), None);
    }
    assert_eq!(store.get(OTHER, START).await.unwrap(), Some(vec![1]));
}
