//! Batches of the writer that end badly: the disk fails or is full, the process is killed, another
//! program holds the lock, the process is told to stop.
//!
//! Whatever happens, nothing that was acknowledged is lost, no token is redeemed twice, nothing waits for
//! ever, and what was refused can be done later.

use std::{
    io::{Read, Seek, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use reqwest::StatusCode;
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;

use crate::{
    ledger::{Ledger, People, Presented},
    program::{Place, Program, get, open_notes, sign_in},
};

/// Requests at the same moment: one network may have some more connections.
const CALLERS: usize = 200;
/// Until a process that was told to stop has ended: ten seconds for requests under way, five for which the
/// writer may then wait for the lock, and some for a machine that is busy with other things.
const ENDS_WITHIN: Duration = Duration::from_secs(22);

async fn signed_in(place: &Place) -> People {
    let (alice, bob) = (place.visitor(), place.visitor());
    for (persona, email) in [
        (&alice, "alice@harbor.example"),
        (&bob, "bob@harbor.example"),
    ] {
        let answer = sign_in(place, persona, email).await.unwrap();
        assert_eq!(answer.header("location"), "/", "{answer:?}");
    }
    let answer = open_notes(place, &bob).await.unwrap();
    assert_eq!(answer.header("location"), "/", "{answer:?}");
    People { alice, bob }
}

async fn ready(place: &Place) -> StatusCode {
    let url = format!("http://{}/ready", place.ops);
    place.visitor().get(&url).await.status
}

/// Where the next frame of the write-ahead log goes, by the head of the shared index of the log.
fn end_of_log(database: &Path) -> u64 {
    let mut index = database.as_os_str().to_owned();
    index.push("-shm");
    let mut index = std::fs::File::open(index).unwrap();
    let mut frames = [0; 4];
    index.seek(SeekFrom::Start(16)).unwrap();
    index.read_exact(&mut frames).unwrap();
    32 + u64::from(u32::from_ne_bytes(frames)) * (24 + 4096)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fails_in_the_middle_of_a_batch_loses_nothing_that_was_acknowledged() {
    let _alone = crate::MACHINE.write().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = Place::free();
    let program = Program::start_where_writes_may_fail(&place, &data).await;
    let people = signed_in(&place).await;
    let ledger = Ledger::new(&place, &data);
    ledger.issue(900).await;

    let mut load = ledger.load(&people, None);
    for round in 0..4 {
        let before = ledger.counts();
        load.until(|counts| counts.redeemed >= before.redeemed + 64)
            .await;
        // Now nothing can be written, now the log ends in the middle of one of the next commits.
        let frames = [0, 10, 23, 51][round];
        let limit = match frames {
            0 => 4096,
            frames => end_of_log(&ledger.file("authority")) + frames * 4096,
        };
        program.limit_files(Some(limit));
        let before = ledger.counts();
        load.until(|counts| counts.unavailable >= before.unavailable + 100)
            .await;
        program.limit_files(None);
    }
    // It goes on by itself: every token is redeemed in the end.
    load.end().await;
    assert_eq!(ready(&place).await, StatusCode::OK);
    let checked = ledger.check().await;
    assert_eq!(checked.unused, 0, "{checked:?}");
    assert!(checked.told_to_wait >= 100, "{checked:?}");

    // And what it says is on the disk, also when it ends while the disk fails.
    ledger.issue(200).await;
    let mut load = ledger.load(&people, None);
    let before = ledger.counts();
    load.until(|counts| counts.redeemed >= before.redeemed + 32)
        .await;
    program.limit_files(Some(end_of_log(&ledger.file("authority")) + 4096));
    load.until(|counts| counts.unavailable >= before.unavailable + 32)
        .await;
    program.kill();
    load.end().await;
    program.buried();
    ledger.check().await;
    let program = Program::start(&place, &data).await;
    ledger.load(&people, None).end().await;
    println!("{:?}", ledger.check().await);
    drop(program);
}

/// A file system of a size that a test chooses.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this user may not mount one.
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(at)
            .output();
        let why = match mounted {
            Ok(output) if output.status.success() => return Some(Self(at.to_owned())),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        // Not by `println!`, which is shown only of tests that fail.
        let _ = writeln!(
            std::io::stderr(),
            "not tested with a disk that is full, as none can be mounted: {why}"
        );
        None
    }

    /// Leaves no room.
    fn fill(&self) -> PathBuf {
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_full_loses_nothing_that_was_acknowledged() {
    let _alone = crate::MACHINE.write().await;
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        return;
    };
    let data = folder.path().join("data");
    let place = Place::free();
    let program = Program::start(&place, &data).await;
    let people = signed_in(&place).await;
    let ledger = Ledger::new(&place, &data);
    ledger.issue(400).await;
    let mut load = ledger.load(&people, None);
    for _ in 0..2 {
        let before = ledger.counts();
        load.until(|counts| counts.redeemed >= before.redeemed + 32)
            .await;
        // A log that is written from its beginning again needs no room.
        let mut file = ledger.connect("authority").await;
        let filler = disk.fill();
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut file)
            .await
            .ok();
        disk.fill();
        file.close().await.unwrap();
        load.until(|counts| counts.unavailable >= before.unavailable + 64)
            .await;
        std::fs::remove_file(filler).unwrap();
    }
    load.end().await;
    assert_eq!(ready(&place).await, StatusCode::OK);
    let checked = ledger.check().await;
    assert_eq!(checked.unused, 0, "{checked:?}");
    assert!(checked.told_to_wait > 0, "{checked:?}");
    program.kill();
    program.buried();
    println!("{:?}", ledger.check().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_in_the_middle_of_batches_it_keeps_its_word() {
    let _alone = crate::MACHINE.write().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = Place::free();
    let mut program = Program::start(&place, &data).await;
    let people = signed_in(&place).await;
    let ledger = Ledger::new(&place, &data);
    for round in 0..3 {
        ledger.issue(400).await;
        // At another moment of a batch each time.
        let load = ledger.load(&people, Some((200 + 13 * round, program.clone())));
        load.end().await;
        program.buried();
        let checked = ledger.check().await;
        println!("{checked:?}");
        assert!(checked.remembered > 100, "{checked:?}");
        program = Program::start(&place, &data).await;
    }
    ledger.load(&people, None).end().await;
    ledger.check().await;
}

/// Takes the write lock of Harbor ID's database, as another program would.
async fn lock(ledger: &Ledger) -> SqliteConnection {
    let mut file = ledger.connect("authority").await;
    let taken = sqlx::query("BEGIN IMMEDIATE").execute(&mut file).await;
    taken.unwrap();
    file
}

async fn give_back(mut lock: SqliteConnection) {
    sqlx::query("ROLLBACK").execute(&mut lock).await.unwrap();
    lock.close().await.unwrap();
}

/// Returns when the requests that were sent before have reached the store, as well as that can be told
/// from outside: others, which were sent later and do not write, were answered.
async fn settled(place: &Place) {
    let visitor = place.visitor();
    for _ in 0..20 {
        let answer = get(&visitor, &place.authority("/login")).await.unwrap();
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}

/// How many were redeemed, told to come again, and cut off.
async fn outcomes(mut presenting: JoinSet<Presented>) -> [usize; 3] {
    let mut outcomes = [0; 3];
    while let Some(presented) = presenting.join_next().await {
        outcomes[match presented.unwrap() {
            Presented::Redeemed(_) => 0,
            Presented::Unavailable => 1,
            Presented::CutOff => 2,
            Presented::Refused => panic!("nobody else presents it"),
        }] += 1;
    }
    outcomes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_not_given_back_keeps_nobody_waiting() {
    let _alone = crate::MACHINE.write().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = Place::free();
    let program = Program::start(&place, &data).await;
    let ledger = Ledger::new(&place, &data);
    ledger.issue(CALLERS).await;
    let held = lock(&ledger).await;
    let presenting = ledger.present_at_once(CALLERS).await;
    // Each within a bound, which the ledger sets.
    assert_eq!(outcomes(presenting).await, [0, CALLERS, 0]);
    give_back(held).await;
    let presenting = ledger.present_at_once(CALLERS).await;
    assert_eq!(outcomes(presenting).await, [CALLERS, 0, 0]);

    // Nor does it keep the process from ending.
    ledger.issue(CALLERS).await;
    let held = lock(&ledger).await;
    let presenting = ledger.present_at_once(CALLERS).await;
    settled(&place).await;
    program.terminate();
    let ended = tokio::time::timeout(ENDS_WITHIN, program.ended()).await;
    assert!(ended.expect("it ends in time").success());
    give_back(held).await;
    let [redeemed, ..] = outcomes(presenting).await;
    assert_eq!(redeemed, 0);
    ledger.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_the_writer_at_a_shutdown_is_done_first() {
    let _alone = crate::MACHINE.write().await;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let place = Place::free();
    let program = Program::start(&place, &data).await;
    let ledger = Ledger::new(&place, &data);
    ledger.issue(CALLERS).await;
    let held = lock(&ledger).await;
    let presenting = ledger.present_at_once(CALLERS).await;
    settled(&place).await;
    program.terminate();
    // It has begun to stop when it listens no more.
    while tokio::net::TcpStream::connect(place.address).await.is_ok() {}
    give_back(held).await;
    let ended = tokio::time::timeout(ENDS_WITHIN, program.ended()).await;
    assert!(ended.expect("it ends in time").success());
    let [redeemed, refused, cut_off] = outcomes(presenting).await;
    println!("{redeemed} redeemed, {refused} told to come again, {cut_off} not heard");
    // More than one batch.
    assert!(redeemed > 64, "{redeemed}");
    ledger.check().await;
    assert!(!data.join("authority.db-wal").exists());
}
