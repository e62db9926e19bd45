//! The lab from outside: its stores, and how what sites record comes in.
//! One program, because each that is linked costs seconds.

mod collector;
mod conformance;
mod reporter;
