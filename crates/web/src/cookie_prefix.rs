//! What the names of cookies begin with.

/// What the names of all cookies begin with on the wire. Code always says `__Host-`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prefix {
    /// `__Host-`: no other host can set such a cookie.
    #[default]
    Host,
    /// `__Host-Http-`: no script can either (row 59). To a browser that does not know it, it is a
    /// `__Host-` cookie like any other.
    HostHttp,
}
