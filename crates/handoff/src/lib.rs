//! The handoff protocol as pure values.
//!
//! Nothing here has a clock, a source of randomness or a socket: functions take `now` and random
//! bytes and return decisions. That is why the same crate serves the server, the browser, the lab
//! and the tests.
//!
//! Where to start: [`verify::decide`] is the rule that the whole protocol turns on. [`handoff`] has
//! the states that a handoff goes through, [`token`] the secrets that it carries, [`uri`] the rules
//! for every address, [`wire`] what the parties say to each other.

pub mod client;
pub mod flow;
pub mod handoff;
pub mod ids;
pub mod outcome;
pub mod policy;
pub mod refusal_reason;
pub mod step;
pub mod storage_key;
pub mod token;
pub mod uri;
pub mod verify;
pub mod wire;
