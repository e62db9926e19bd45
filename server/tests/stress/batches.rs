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
    ledger::{Ledger, Load, People, Presented},
    program::{Place, Program, get, open_notes, sign_in},
};

/// Requests at the same moment: one network may have some more connections.
const CALLERS: usize = 200;
/// Until a process that was told to stop has ended: eight seconds for requests under way, four for which the
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

/// Makes the disk fail, until so many more were told to come again. The log may begin anew after any
/// commit, and then there is room: so that is done over, until it tells.
async fn fails(ledger: &Ledger, load: &mut Load, enough: usize, mut fail: impl AsyncFnMut()) {
    let told = ledger.counts().unavailable + enough;
    while ledger.counts().unavailable < told {
        let redeemed = ledger.counts().redeemed + 48;
        fail().await;
        load.until(|counts| counts.unavailable >= told || counts.redeemed >= redeemed)
            .await;
    }
}

/// Waits until so many more were redeemed.
async fn works(ledger: &Ledger, load: &mut Load) {
    let redeemed = ledger.counts().redeemed + 48;
    load.until(|counts| counts.redeemed >= redeemed).await;
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
    let database = ledger.file("authority");
    // Now nothing can be written, now the log ends in the middle of one of the next commits.
    for frames in [None, Some(10), Some(23), Some(51)] {
        works(&ledger, &mut load).await;
        let fail = async || {
            let limit = frames.map_or(4096, |frames| end_of_log(&database) + frames * 4096);
            program.limit_files(Some(limit));
        };
        fails(&ledger, &mut load, 100, fail).await;
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
    works(&ledger, &mut load).await;
    let fail = async || program.limit_files(Some(end_of_log(&database) + 4096));
    fails(&ledger, &mut load, 32, fail).await;
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
    fn fill(&self) {
        let mut options = std::fs::OpenOptions::new();
        let file = options.append(true).create(true).open(self.filler());
        let mut file = file.unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
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
    ledger.issue(300).await;
    let mut load = ledger.load(&people, None);
    works(&ledger, &mut load).await;
    // So early that the log has not begun anew: then it would need no room.
    fails(&ledger, &mut load, 100, async || disk.fill()).await;
    disk.make_room();
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
