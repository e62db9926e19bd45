//! The relying party from outside: its stores, its routes, and its calls to the authorization server.
//! One program, because each that is linked costs seconds.

mod back_channel;
mod conformance;
mod front_door;
mod nothing_lost;
