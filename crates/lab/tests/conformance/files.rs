//! What only a store with a file can be asked.

use handoff::step::Step;
use lab::store::{FlowStore, Outcome, Sqlite};
use sqlx::Connection;

use super::world::{event, find, flow, keep, key, recent, steps, to};

pub(crate) async fn what_was_kept_is_there_after_the_file_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.db");
    let store = Sqlite::open(&path).await.unwrap();
    keep(&store, &[event(Step::StartReceived, to(flow(1)), 1, 0)]).await;
    let found = find(&store, flow(1)).await;
    store.close().await;
    let store = Sqlite::open(&path).await.unwrap();
    assert!(found.is_some());
    assert_eq!(find(&store, flow(1)).await, found);
    store.close().await;
}

pub(crate) async fn an_event_that_cannot_be_read_is_left_out_of_its_flow() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.db");
    let store = Sqlite::open(&path).await.unwrap();
    let steps = [Step::StartReceived, Step::StateMade, Step::SessionCreated];
    let events = (1..).zip(steps);
    let events: Vec<_> = events
        .map(|(n, step)| event(step, to(flow(1)), 1, n))
        .collect();
    keep(&store, &events).await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
    let mut database = sqlx::SqliteConnection::connect_with(&options)
        .await
        .unwrap();
    for damaged in [
        "'{'",
        "''",
        r#"'{"step":"of_another_version"}'"#,
        "CAST(x'ff' AS TEXT)",
    ] {
        let damage = format!("UPDATE event SET body = {damaged} WHERE seq = 2");
        sqlx::query(sqlx::AssertSqlSafe(damage))
            .execute(&mut database)
            .await
            .unwrap();
        let found = find(&store, flow(1)).await.unwrap();
        assert_eq!((found.steps, &found.outcome), (3, &Outcome::Opened));
        let kept = store.events_after(found.number, 0).await.unwrap();
        let kept: Vec<_> = kept
            .into_iter()
            .map(|kept| (kept.seq, kept.event))
            .collect();
        assert_eq!(kept, [(1, events[0].clone()), (3, events[2].clone())]);
    }
    store.close().await;
}

pub(crate) async fn a_flow_that_cannot_be_read_is_as_if_it_were_not_there() {
    for damage in [
        "UPDATE flow SET course = '{' WHERE flow = 1",
        "UPDATE flow SET course = '{\"opened\": \"never\"}' WHERE flow = 1",
        "UPDATE flow SET client = 'not a client!' WHERE flow = 1",
        "UPDATE flow SET steps = -1 WHERE flow = 1",
        "UPDATE flow SET steps = 'many' WHERE flow = 1",
        "UPDATE flow SET course = CAST(x'ff' AS TEXT) WHERE flow = 1",
        "UPDATE flow SET last = 9223372036854775807 WHERE flow = 1",
        "UPDATE flow SET id = 'x' WHERE flow = 1",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab.db");
        let store = Sqlite::open(&path).await.unwrap();
        keep(&store, &[event(Step::StartReceived, to(flow(1)), 1, 0)]).await;
        keep(&store, &[event(Step::StartReceived, to(flow(2)), 2, 1)]).await;
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&path);
        let mut database = sqlx::SqliteConnection::connect_with(&options)
            .await
            .unwrap();
        sqlx::query(damage).execute(&mut database).await.unwrap();
        assert_eq!(recent(&store).await, [flow(2).to_string()], "{damage}");
        assert_eq!(find(&store, flow(1)).await, None);
        assert_eq!(store.find_whole(&key(flow(1))).await.unwrap(), None);
        // What comes afterwards is kept, that of others and its own.
        let later = [
            event(Step::StateMade, to(flow(2)), 2, 2),
            event(Step::StateMade, to(flow(1)), 1, 3),
        ];
        keep(&store, &later).await;
        let mut listed = recent(&store).await;
        listed.sort();
        let mut both = [flow(1).to_string(), flow(2).to_string()];
        both.sort();
        assert_eq!(listed, both, "{damage}");
        let anew = find(&store, flow(1)).await.unwrap();
        assert_eq!(steps(&store, &anew).await, [Step::StateMade]);
        assert_eq!(find(&store, flow(2)).await.unwrap().steps, 2);
        // Nor does it stand in the way of those that came before it.
        sqlx::query("UPDATE flow SET steps = -1 WHERE flow = 2")
            .execute(&mut database)
            .await
            .unwrap();
        keep(&store, &[event(Step::StartReceived, to(flow(4)), 4, 4)]).await;
        let newest = store.recent_flows(2, None).await.unwrap();
        let ids: Vec<_> = newest.iter().map(|flow| flow.id.to_string()).collect();
        assert_eq!(ids, [flow(4).to_string(), flow(1).to_string()]);
        let last = store.recent_flows(1, Some(newest[1].number)).await.unwrap();
        assert_eq!(last, [], "what is damaged is all that came before");
        store.close().await;
    }
}
