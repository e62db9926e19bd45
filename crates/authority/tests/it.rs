//! The authorization server from outside: its stores, and its routes.
//! One program, because each that is linked costs seconds.

mod conformance;
mod front_door;
