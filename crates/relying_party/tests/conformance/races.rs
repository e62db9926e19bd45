//! Callers at the same moment.

use std::sync::Arc;

use relying_party::store::{Beginning, Source, Store};

use super::world::{NOW, browser, ended, handoff, is_alive, same_browser, session, state, taken};

/// Both orders, and at once: no session is left of a browser that has signed out.
pub(crate) async fn row_81_race_of_sign_out_against_h6_leaves_no_session(store: Arc<dyn Store>) {
    let (mut begun_first, mut too_late) = (0, 0);
    for round in 0..500_u16 {
        let handoff = taken(&*store, browser(1), 3000 + round).await;
        let finishing = {
            let store = Arc::clone(&store);
            async move {
                let source = Source::Handoff {
                    handoff,
                    replacing: None,
                };
                store.begin_session(session(1, 1), source, NOW).await
            }
        };
        let leaving = {
            let store = Arc::clone(&store);
            async move { store.sign_out(None, Some(browser(1))).await }
        };
        let (begun, gone) = match round % 3 {
            0 => {
                let begun = finishing.await;
                (begun, leaving.await)
            }
            1 => {
                let gone = leaving.await;
                (finishing.await, gone)
            }
            _ => {
                let (one, other) = (tokio::spawn(finishing), tokio::spawn(leaving));
                (one.await.unwrap(), other.await.unwrap())
            }
        };
        // Either the sign-out ends it and gives its token back, or it never begins and whoever
        // brought it has the token.
        match begun.unwrap() {
            Beginning::Begun { .. } => {
                begun_first += 1;
                assert_eq!(gone.unwrap(), [ended(1)], "round {round}");
            }
            Beginning::TooLate => {
                too_late += 1;
                assert_eq!(gone.unwrap(), [], "round {round}");
            }
            other => panic!("round {round}: {other:?}"),
        }
        assert!(!is_alive(&*store, 1).await, "round {round}");
    }
    assert!(begun_first >= 166 && too_late >= 166, "both orders");
}

/// Five tabs come back at once: one session is left, and each that ended gave its token back.
pub(crate) async fn row_23_race_of_handoffs_of_one_browser_leaves_one_session(
    store: Arc<dyn Store>,
) {
    for round in 0..100_u16 {
        let mut tabs = Vec::new();
        for tab in 0..5_u8 {
            let handoff = taken(&*store, browser(1), round * 5 + u16::from(tab)).await;
            tabs.push((tab, handoff));
        }
        let tabs: Vec<_> = tabs
            .into_iter()
            .map(|(tab, handoff)| {
                let store = Arc::clone(&store);
                tokio::spawn(async move {
                    let source = Source::Handoff {
                        handoff,
                        replacing: None,
                    };
                    let new = same_browser(tab, 1);
                    store.begin_session(new, source, NOW).await
                })
            })
            .collect();
        let (mut gone, mut over) = (Vec::new(), 0);
        for tab in tabs {
            match tab.await.unwrap().unwrap() {
                Beginning::Begun {
                    ended,
                    pre_session_over,
                } => {
                    gone.extend(ended);
                    over += usize::from(pre_session_over);
                }
                other => panic!("round {round}: {other:?}"),
            }
        }
        assert_eq!((gone.len(), over), (4, 1), "round {round}");
        let left = store.sign_out(None, Some(browser(1))).await.unwrap();
        assert_eq!(left.len(), 1, "round {round}");
        assert!(!gone.contains(&left[0]), "round {round}");
    }
}

pub(crate) async fn row_20_race_32_callers_take_one_started_handoff_and_one_wins(
    store: Arc<dyn Store>,
) {
    for round in 0..500 {
        store
            .start_handoff(handoff(browser(1), round), NOW)
            .await
            .unwrap();
        let callers: Vec<_> = (0..32)
            .map(|_| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.take_started(browser(1), state(round), NOW).await })
            })
            .collect();
        let mut winners = 0;
        for caller in callers {
            winners += usize::from(caller.await.unwrap().unwrap().is_some());
        }
        assert_eq!(winners, 1, "round {round}");
    }
}
