//! Which defences hold: a value, so that no code ever asks where it runs.

macro_rules! policy {
    ($($(#[$doc:meta])* $field:ident, $defence:ident;)*) => {
        /// Every defence of verify (H5), each naming its row of the security checklist.
        ///
        /// ```
        /// use handoff::policy::Policy;
        ///
        /// assert!(Policy::STRICT.one_time() && Policy::STRICT.state_binding());
        /// ```
        ///
        /// [`Policy::STRICT`] is the only one that production code can reach: the fields cannot be
        /// set from outside, and [`Policy::without`] is banned by a lint everywhere but in the lab.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Policy {
            $($(#[$doc])* $field: bool,)*
        }

        /// The name of one field of [`Policy`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Defence {
            $($(#[$doc])* $defence,)*
        }

        impl Defence {
            /// All of them, in the order of [`Policy`]'s fields.
            pub const ALL: &'static [Self] = &[$(Self::$defence),*];
        }

        impl Policy {
            /// Every defence holds.
            pub const STRICT: Self = Self { $($field: true,)* };

            $($(#[$doc])*
            #[must_use]
            pub const fn $field(&self) -> bool {
                self.$field
            })*

            /// The same policy with one defence taken away, to show what it was good for.
            #[must_use]
            pub const fn without(mut self, defence: Defence) -> Self {
                match defence {
                    $(Defence::$defence => self.$field = false,)*
                }
                self
            }
        }
    };
}

policy! {
    /// A handoff token is redeemed once (row 3).
    one_time, OneTime;
    /// A handoff token dies after its lifetime (row 2).
    lifetime, Lifetime;
    /// Only the client that the token was issued for may redeem it (row 6).
    client_binding, ClientBinding;
    /// The redirect URI at verify is the one that the token went to (row 6).
    redirect_uri_binding, RedirectUriBinding;
    /// The state at verify is the one that the token was issued with (row 6).
    state_binding, StateBinding;
    /// The verifier matches the stored challenge, and is refused where none is stored (rows 6, 80).
    verifier_binding, VerifierBinding;
    /// The sign-in behind the token must still be alive (rows 6, 56).
    live_sign_in, LiveSignIn;
    /// The person must still be active and assigned to the client (row 79).
    assignment, Assignment;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_has_every_defence_and_without_takes_exactly_one() {
        for defence in Defence::ALL {
            #[expect(clippy::disallowed_methods, reason = "this is the test of the method")]
            let weak = Policy::STRICT.without(*defence);
            assert_ne!(weak, Policy::STRICT, "{defence:?}");
            let off = format!("{weak:?}").matches("false").count();
            assert_eq!(off, 1, "{defence:?}");
        }
        assert!(!format!("{:?}", Policy::STRICT).contains("false"));
    }
}
