//! Passwords: argon2id, off the async threads, only so many at once (rows 63 and 64).

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use tokio::sync::{Semaphore, oneshot};
use unicode_normalization::{UnicodeNormalization, is_nfc};
use web::rng::Randomness;

/// The longest password that is hashed, in bytes: more would only keep the machine busy.
pub const MAX_LENGTH: usize = 1024;

/// The shortest new password, in characters (OWASP ASVS 5, 6.2.1).
pub const MIN_LENGTH: usize = 8;

/// The one form of a password, however a keyboard or a clipboard encodes it (RFC 8265, 4.2): every space is
/// the plain one, and accents are composed. Nothing else changes.
fn one_form(password: &str) -> Cow<'_, str> {
    let is_space = |c: char| c != ' ' && c.is_whitespace() && !c.is_control();
    if password.is_ascii() || (is_nfc(password) && !password.contains(is_space)) {
        return Cow::Borrowed(password);
    }
    let spaced = password.chars();
    let spaced = spaced.map(|c| if is_space(c) { ' ' } else { c });
    Cow::Owned(spaced.nfc().collect())
}

/// Why a new password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedPassword {
    /// It has too few characters.
    #[error("a password has {MIN_LENGTH} characters at least")]
    TooShort,
    /// It has too many bytes.
    #[error("a password has {MAX_LENGTH} bytes at most")]
    TooLong,
}

/// Whether a new password may be set. Length alone counts: rules about digits and capitals make
/// passwords harder to remember and not harder to guess (ASVS 5, 6.2.5).
///
/// # Errors
/// [`RefusedPassword`] with the rule.
pub fn acceptable(password: &str) -> Result<(), RefusedPassword> {
    // Before anything is done with it.
    if password.len() > MAX_LENGTH {
        return Err(RefusedPassword::TooLong);
    }
    if one_form(password).chars().count() < MIN_LENGTH {
        return Err(RefusedPassword::TooShort);
    }
    Ok(())
}

/// What hashing costs (OWASP's password storage cheat sheet: 19,456 KiB and 2 passes at least).
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
}

impl Cost {
    /// The least that is allowed, and the default.
    pub const DEFAULT: Self = Self {
        memory_kib: 19_456,
        passes: 2,
    };
}

/// A password could not be hashed or compared. Ours to act on.
#[derive(Debug, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashingFailed(String);

/// What comparing a password came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password.
    Right,
    /// It is the password, and its stored hash is not what we make today, in its cost or in the form of the
    /// password: store this one.
    RightButWeak {
        /// The new hash.
        rehashed: String,
    },
    /// It is not, or there is no such account. Both took the same work.
    Wrong,
}

/// The turns in which passwords are hashed and compared. Each takes 19 MiB and a core for some
/// milliseconds; without a bound, a crowd of sign-ins would take the whole machine. Clones are the
/// same: a process has one, whatever the number of its platforms.
#[derive(Clone, Debug)]
pub struct Turns {
    free: Arc<Semaphore>,
    /// Threads that wait for their next turn, as the ways to them. There are at most as many as turns.
    idle: Arc<Mutex<Vec<mpsc::Sender<Job>>>>,
}

type Job = Box<dyn FnOnce(&mut Room) + Send>;

/// The memory of a thread that hashes.
#[derive(Default)]
struct Room(Vec<Block>);

/// How long a thread without work keeps its memory: a crowd has it ready, and a machine at rest has it back.
const KEPT_FOR: Duration = Duration::from_secs(2);

impl Room {
    /// So many blocks. What is in them is of no concern: Argon2 fills a block before it reads it.
    fn blocks(&mut self, count: usize) -> Result<&mut [Block], HashingFailed> {
        if self.0.len() < count {
            self.0 = Vec::new();
            // A machine without the memory refuses this request; to go on growing would end the process.
            let reserved = self.0.try_reserve_exact(count);
            reserved.map_err(|error| HashingFailed(error.to_string()))?;
            self.0.resize(count, Block::default());
        }
        Ok(&mut self.0)
    }
}

impl Turns {
    /// So many at the same time; one at least.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(at_once.max(1))),
            idle: Arc::default(),
        }
    }

    /// Runs the work, when it is its turn, on a thread that gives way to all others. Thread and memory are
    /// kept for the next: to ask the system for 19 MiB of empty memory took a quarter of the time. The
    /// thread is none of tokio's pool: those do other work too, and only root may take niceness back.
    async fn take<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Room) -> Result<T, HashingFailed> + Send + 'static,
    ) -> Result<T, HashingFailed> {
        let failed = |error: &dyn fmt::Display| HashingFailed(error.to_string());
        let turn = Arc::clone(&self.free).acquire_owned().await;
        let turn = turn.map_err(|error| failed(&error))?;
        let (done, wait) = oneshot::channel();
        let worker = match self.idle().pop() {
            Some(worker) => worker,
            None => begin_worker().map_err(|error| failed(&error))?,
        };
        let (turns, again) = (self.clone(), worker.clone());
        let job = Box::new(move |room: &mut Room| {
            // Held until the work is done, even when nobody waits for it any more.
            let _turn = turn;
            let result = work(room);
            turns.idle().push(again);
            drop(done.send(result));
        });
        worker.send(job).map_err(|error| failed(&error))?;
        // A thread that panics is not given back.
        wait.await
            .map_err(|_| failed(&"the thread that hashes panicked"))?
    }

    fn idle(&self) -> MutexGuard<'_, Vec<mpsc::Sender<Job>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begin_worker() -> std::io::Result<mpsc::Sender<Job>> {
    let (worker, jobs) = mpsc::channel::<Job>();
    std::thread::Builder::new()
        .name("password".to_owned())
        .spawn(move || {
            give_way();
            let mut room = Room::default();
            loop {
                let job = match jobs.recv_timeout(KEPT_FOR) {
                    Err(RecvTimeoutError::Timeout) => {
                        room = Room::default();
                        jobs.recv().ok()
                    }
                    job => job.ok(),
                };
                let Some(job) = job else { break };
                job(&mut room);
            }
        })?;
    Ok(worker)
}

/// How much a thread that hashes gives way to all others: a crowd of sign-ins leaves other requests three
/// quarters of a processor that both want. More would starve sign-ins on a machine that other programs
/// keep busy.
const NICENESS: i32 = 5;

/// On Linux niceness belongs to a thread; elsewhere it would slow the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    // A system that does not allow it is slower for others, and no less safe.
    let _ = rustix::process::nice(NICENESS);
}

/// Hashes and compares passwords.
#[derive(Debug)]
pub struct Passwords {
    argon2: Argon2<'static>,
    turns: Turns,
    random: Arc<dyn Randomness>,
    /// What an unknown account is compared with, so that it costs what a known one does.
    dummy: String,
    compared: Arc<AtomicU64>,
}

impl Passwords {
    /// At most `at_once` comparisons run at the same time.
    ///
    /// # Errors
    /// [`HashingFailed`] when the cost is not possible on this machine.
    pub fn new(
        cost: Cost,
        at_once: usize,
        random: Arc<dyn Randomness>,
    ) -> Result<Self, HashingFailed> {
        Self::in_turns(cost, Turns::new(at_once), random)
    }

    /// The same in turns that are shared with others.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn in_turns(
        cost: Cost,
        turns: Turns,
        random: Arc<dyn Randomness>,
    ) -> Result<Self, HashingFailed> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)
            .map_err(|error| HashingFailed(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let dummy = of_nobody(argon2.params(), random.bytes(), &random.bytes::<32>())?;
        Ok(Self {
            argon2,
            turns,
            random,
            dummy,
            compared: Arc::default(),
        })
    }

    /// Hashes a new password, as a PHC string.
    ///
    /// # Errors
    /// [`HashingFailed`] when the machine has not the memory.
    pub async fn hash(&self, password: &str) -> Result<String, HashingFailed> {
        let (argon2, password) = (self.argon2.clone(), one_form(password).into_owned());
        let salt = self.random.bytes();
        self.turns
            .take(move |room| hash(&argon2, password.as_bytes(), salt, room))
            .await
    }

    /// Compares a password with the stored hash of an account, or with nobody's when there is no
    /// account. A password that came in another form than the one that is hashed is compared a second time, as
    /// it came: hashes of earlier versions were made of what was typed. How many comparisons there are
    /// depends on what was typed and on whether it is right, and on no account.
    ///
    /// # Errors
    /// [`HashingFailed`] when the machine has not the memory, or the stored hash is no hash.
    pub async fn verify(
        &self,
        password: &str,
        stored: Option<&str>,
    ) -> Result<Verdict, HashingFailed> {
        let compared = Arc::clone(&self.compared);
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        let known = stored.is_some();
        let against = stored.unwrap_or(&self.dummy).to_owned();
        let salt = self.random.bytes();
        self.turns
            .take(move |room| {
                let stored = Stored::read(&against)?;
                let is_it = |password: &str, room: &mut Room| {
                    compared.fetch_add(1, Ordering::Relaxed);
                    stored.is_of(password.as_bytes(), room)
                };
                let form = one_form(&password);
                let matches = is_it(&form, room)?;
                let as_typed = !matches && *form != *password && is_it(&password, room)?;
                if !(matches || as_typed) || !known {
                    return Ok(Verdict::Wrong);
                }
                let (is, should) = (stored.argon2.params(), argon2.params());
                let weak = is.m_cost() < should.m_cost() || is.t_cost() < should.t_cost();
                if weak || as_typed {
                    let rehashed = hash(&argon2, form.as_bytes(), salt, room)?;
                    return Ok(Verdict::RightButWeak { rehashed });
                }
                Ok(Verdict::Right)
            })
            .await
    }

    /// How many comparisons there were since the start.
    #[must_use]
    pub fn compared(&self) -> u64 {
        self.compared.load(Ordering::Relaxed)
    }
}

/// The hash of an account's password.
struct Stored {
    argon2: Argon2<'static>,
    salt: Salt,
    output: Output,
}

impl Stored {
    fn read(text: &str) -> Result<Self, HashingFailed> {
        let failed = |error: &dyn fmt::Display| HashingFailed(format!("stored hash: {error}"));
        let hash = PasswordHash::new(text).map_err(|error| failed(&error))?;
        let algorithm =
            Algorithm::try_from(hash.algorithm.as_str()).map_err(|error| failed(&error))?;
        let version = hash.version.map(Version::try_from).transpose();
        let version = version.map_err(|error| failed(&error))?;
        let params = Params::try_from(&hash).map_err(|error| failed(&error))?;
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else {
            return Err(failed(&"it has no salt or no output"));
        };
        Ok(Self {
            argon2: Argon2::new(algorithm, version.unwrap_or_default(), params),
            salt,
            output,
        })
    }

    /// Whether it is the hash of this password. The outputs are compared in constant time.
    fn is_of(&self, password: &[u8], room: &mut Room) -> Result<bool, HashingFailed> {
        let length = self.output.len();
        Ok(output(&self.argon2, password, &self.salt, length, room)? == self.output)
    }
}

fn output(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    length: usize,
    room: &mut Room,
) -> Result<Output, HashingFailed> {
    let failed = |error: &dyn fmt::Display| HashingFailed(error.to_string());
    let blocks = room.blocks(argon2.params().block_count())?;
    let mut output = vec![0; length];
    argon2
        .hash_password_into_with_memory(password, salt, &mut output, blocks)
        .map_err(|error| failed(&error))?;
    Output::new(&output).map_err(|error| failed(&error))
}

fn hash(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: [u8; 16],
    room: &mut Room,
) -> Result<String, HashingFailed> {
    let output = output(argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN, room)?;
    phc(argon2.params(), salt, output)
}

/// A hash that no password is known to give. It is made up and not computed, which saves each platform
/// 20 ms and 19 MiB; to compare with it takes the work of any other.
fn of_nobody(params: &Params, salt: [u8; 16], output: &[u8]) -> Result<String, HashingFailed> {
    let output = Output::new(output).map_err(|error| HashingFailed(error.to_string()))?;
    phc(params, salt, output)
}

/// A hash as it is stored: a PHC string.
fn phc(params: &Params, salt: [u8; 16], output: Output) -> Result<String, HashingFailed> {
    let failed = |error: &dyn fmt::Display| HashingFailed(error.to_string());
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(|error| failed(&error))?,
        salt: Some(Salt::new(&salt).map_err(|error| failed(&error))?),
        hash: Some(output),
    };
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use web::rng::SystemRandomness;

    use super::*;

    fn passwords() -> Passwords {
        Passwords::new(Cost::DEFAULT, 2, Arc::new(SystemRandomness)).unwrap()
    }

    #[test]
    fn a_new_password_has_some_length_and_need_have_nothing_else() {
        for good in ["        ", "aaaaaaaa", "éééééééé", &"x".repeat(MAX_LENGTH)] {
            assert_eq!(acceptable(good), Ok(()));
        }
        for short in ["", "1234567", "ééééééé"] {
            assert_eq!(acceptable(short), Err(RefusedPassword::TooShort));
        }
        let long = "x".repeat(MAX_LENGTH + 1);
        assert_eq!(acceptable(&long), Err(RefusedPassword::TooLong));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn hashing_gives_way_to_everything_else_and_slows_nothing_else() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let own = niceness();
        let turns = Turns::new(1);
        for _ in 0..2 {
            let there = turns.take(move |_| Ok(niceness())).await.unwrap();
            assert_eq!(there, (own + NICENESS).min(19));
        }
        assert_eq!(niceness(), own);
        let panicked = turns.take(|_| -> Result<(), _> { panic!("as the test wants") });
        assert!(panicked.await.is_err());
        turns.take(|_| Ok(())).await.unwrap();
        assert_eq!(turns.idle().len(), 1);
    }

    #[tokio::test]
    async fn row_63_a_hash_is_argon2id_with_the_least_cost_at_least() {
        let hash = passwords().hash("handoff-demo").await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
    }

    #[tokio::test]
    async fn row_64_only_the_right_password_of_a_known_account_is_right() {
        let passwords = passwords();
        let stored = passwords.hash("right").await.unwrap();
        assert_eq!(
            passwords.verify("right", Some(&stored)).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(
            passwords.verify("wrong", Some(&stored)).await.unwrap(),
            Verdict::Wrong
        );
        assert_eq!(
            passwords.verify("right", None).await.unwrap(),
            Verdict::Wrong
        );
        assert!(passwords.verify("right", Some("no hash")).await.is_err());
    }

    #[tokio::test]
    async fn one_password_is_the_same_however_a_keyboard_encodes_it() {
        let passwords = passwords();
        // Composed, decomposed, and with the space of a French keyboard.
        let encodings = [
            "caf\u{e9} du port",
            "cafe\u{301} du port",
            "caf\u{e9}\u{a0}du port",
        ];
        for set in encodings {
            let stored = passwords.hash(set).await.unwrap();
            for typed in encodings {
                let verdict = passwords.verify(typed, Some(&stored)).await.unwrap();
                assert_eq!(verdict, Verdict::Right, "{set:?} {typed:?}");
            }
            let other = passwords.verify("cafe du port", Some(&stored)).await;
            assert_eq!(other.unwrap(), Verdict::Wrong);
        }
        assert_eq!(
            acceptable("e\u{301}e\u{301}e\u{301}e\u{301}"),
            Err(RefusedPassword::TooShort)
        );
    }

    #[tokio::test]
    async fn row_64_a_hash_of_another_encoding_still_works_and_costs_nobody_else_less() {
        let passwords = passwords();
        let typed = "cafe\u{301} du port";
        let (salt, mut room) = ([7; 16], Room::default());
        let old = hash(&passwords.argon2, typed.as_bytes(), salt, &mut room).unwrap();
        let verdict = passwords.verify(typed, Some(&old)).await.unwrap();
        let Verdict::RightButWeak { rehashed } = verdict else {
            panic!("{verdict:?}")
        };
        let composed = passwords.verify("caf\u{e9} du port", Some(&rehashed)).await;
        assert_eq!(composed.unwrap(), Verdict::Right);

        // A wrong one takes the same work, whoever it is tried for.
        let mut compared = Vec::new();
        for stored in [Some(&*old), None] {
            let before = passwords.compared();
            let verdict = passwords.verify("e\u{301}\u{301}\u{301}", stored).await;
            assert_eq!(verdict.unwrap(), Verdict::Wrong);
            compared.push(passwords.compared() - before);
        }
        assert_eq!(compared, [2, 2]);
    }

    #[tokio::test]
    async fn row_64_to_compare_with_nobodys_hash_is_the_work_of_any_other() {
        let passwords = passwords();
        let stored = passwords.hash("right").await.unwrap();
        let parts = |hash: &str| {
            let parsed = PasswordHash::new(hash).unwrap();
            let lengths = parsed.salt.unwrap().len() + parsed.hash.unwrap().len();
            let parameters = parsed.params.to_string();
            (parsed.algorithm, parsed.version, parameters, lengths)
        };
        assert_eq!(parts(&passwords.dummy), parts(&stored));
        let others = self::passwords().dummy;
        assert_ne!(passwords.dummy, others, "nor is it one that all have");
    }

    #[tokio::test]
    async fn row_63_a_weak_hash_is_replaced_at_the_next_sign_in() {
        let weak = Cost {
            memory_kib: 8_192,
            passes: 1,
        };
        let old = Passwords::new(weak, 1, Arc::new(SystemRandomness)).unwrap();
        let stored = old.hash("right").await.unwrap();
        let passwords = passwords();
        let verdict = passwords.verify("right", Some(&stored)).await.unwrap();
        let Verdict::RightButWeak { rehashed } = verdict else {
            panic!("{verdict:?}")
        };
        assert_eq!(
            passwords.verify("right", Some(&rehashed)).await.unwrap(),
            Verdict::Right
        );
        assert_eq!(
            passwords.verify("wrong", Some(&stored)).await.unwrap(),
            Verdict::Wrong
        );
        // In memory that a larger hash has used.
        let again = passwords.verify("right", Some(&stored)).await.unwrap();
        assert!(matches!(again, Verdict::RightButWeak { .. }), "{again:?}");
    }
}
