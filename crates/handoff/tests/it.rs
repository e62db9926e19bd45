//! The protocol from outside: tables, properties, and the rows that its steps name.
//! One program, because each that is linked costs seconds.

mod property;
mod steps;
mod table;
