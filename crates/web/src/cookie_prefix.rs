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

impl Prefix {
    /// The name on the wire of a cookie that code calls `name`, for readers outside of
    /// [`crate::cookies::rename`].
    #[must_use]
    pub fn on_the_wire(self, name: &str) -> String {
        match self {
            Self::Host => name.to_owned(),
            Self::HostHttp => name.replacen("__Host-", "__Host-Http-", 1),
        }
    }
}
