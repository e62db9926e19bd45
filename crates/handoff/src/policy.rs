//! Which defences hold: a value, so that no code ever asks where it runs.
//!
//! Every defence that the attack lab switches is one field here, for all sites. Each is read at the one
//! place where its rule is applied. Defences of features that are not built yet (OpenID Connect,
//! `postMessage`, the server-side proxy) get their field with the feature.

/// How the redirect URI of a request is compared with the registered ones (row 31).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UriMatch {
    /// The texts are equal (RFC 9700, 2.1).
    #[default]
    Exact,
    /// The request's text begins with a registered one.
    Prefix,
    /// The request's text names the same host, with any path.
    Host,
    /// A registered text occurs somewhere in the request's.
    Substring,
}

/// What becomes of a parameter that occurs more than once (row 36).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Duplicates {
    /// The request is refused.
    #[default]
    Refuse,
    /// The first value counts.
    First,
    /// The last value counts.
    Last,
}

macro_rules! policy {
    (
        switches { $($(#[$doc:meta])* $field:ident, $defence:ident;)* }
        modes { $($(#[$mode_doc:meta])* $mode:ident: $kind:ident [$strict:ident, $($weak:ident),*], $mode_defence:ident;)* }
    ) => {
        /// Every defence that can be switched off, each naming its rows of the security checklist.
        ///
        /// ```
        /// use handoff::policy::{Policy, UriMatch};
        ///
        /// assert!(Policy::STRICT.one_time() && Policy::STRICT.state_binding());
        /// assert_eq!(Policy::STRICT.redirect_uri_match(), UriMatch::Exact);
        /// ```
        ///
        /// [`Policy::STRICT`] is the only one that production code can reach: the fields are
        /// private, and a lint bans [`Policy::without`] outside tests and the lab's workspaces.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Policy {
            $($(#[$doc])* $field: bool,)*
            $($(#[$mode_doc])* $mode: $kind,)*
        }

        /// One defence of [`Policy`], and for those with several weak forms, which of them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Defence {
            $($(#[$doc])* $defence,)*
            $($(#[$mode_doc])* $mode_defence($kind),)*
        }

        impl Defence {
            /// Each field of [`Policy`], in its order; a field with several weak forms once for each.
            pub const ALL: &'static [Self] = &[
                $(Self::$defence,)*
                $($(Self::$mode_defence($kind::$weak),)*)*
            ];

            /// The defence of this name, as [`Debug`](std::fmt::Debug) writes it: `OneTime`,
            /// `RedirectUriMatch(Prefix)`. None if there is no such defence.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|defence| format!("{defence:?}") == name)
            }
        }

        impl Policy {
            /// Every defence holds.
            pub const STRICT: Self = Self {
                $($field: true,)*
                $($mode: $kind::$strict,)*
            };

            $($(#[$doc])*
            #[must_use]
            pub const fn $field(&self) -> bool {
                self.$field
            })*

            $($(#[$mode_doc])*
            #[must_use]
            pub const fn $mode(&self) -> $kind {
                self.$mode
            })*

            /// The same policy with one defence taken away.
            #[must_use]
            pub const fn without(mut self, defence: Defence) -> Self {
                match defence {
                    $(Defence::$defence => self.$field = false,)*
                    $(Defence::$mode_defence(weak) => self.$mode = weak,)*
                }
                self
            }
        }
    };
}

policy! {
    switches {
    // Verify (H5).

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
    /// Verify answers every failure that concerns the token alike (row 15). Without it the answer names
    /// the reason.
    uniform_refusals, UniformRefusals;

    // Authorize (H3).

    /// A handoff token has 256 random bits (row 1). Without it there are 10,000 different ones.
    token_entropy, TokenEntropy;
    /// A client that can send a code challenge must send one (rows 38, 39).
    challenge_required, ChallengeRequired;
    /// A request with an unknown client or redirect URI gets a page and never a redirect (row 33).
    errors_stay, ErrorsStay;

    // The relying party (H2, H4, H6).

    /// The relying party's state has 256 random bits (row 20). Without it, it is a counter.
    random_state, RandomState;
    /// State and verifier belong to the browser that began the handoff (rows 20, 21). Without it they
    /// are kept for all browsers alike.
    browser_binding, BrowserBinding;
    /// The callback names the issuer that the relying party knows (row 41).
    issuer_check, IssuerCheck;
    /// The target of a sign-in is a path of the site itself (row 34).
    target_check, TargetCheck;
    /// A session begins under a new id (row 23). Without it, under the one that the browser brings.
    session_rotation, SessionRotation;
    /// The callback answers with a redirect to an address without secrets (row 8). Without it, with a
    /// page.
    clean_callback, CleanCallback;

    // Requests of browsers.

    /// The forms of people who are signed in have a token of their session (rows 26, 55).
    csrf_token, CsrfToken;
    /// The sign-in form has a token of its browser's pre-session (row 27).
    sign_in_csrf_token, SignInCsrfToken;
    /// Requests that change something come from the site's own pages (rows 26, 28).
    same_origin_posts, SameOriginPosts;
    /// H2, H3 and H4 are navigations of a document (row 29).
    navigation_only, NavigationOnly;
    /// A prefetch consumes nothing (row 30).
    prefetch_guard, PrefetchGuard;
    /// Harbor ID signs out by a post only (row 55).
    sign_out_by_post, SignOutByPost;
    /// One caller may ask for so much only (row 17).
    rate_limits, RateLimits;

    // Answers.

    /// No other site may put a page into a frame (row 65).
    frame_ancestors, FrameAncestors;
    /// Scripts run by nonce only, and a page talks to its own origin only (row 65).
    script_policy, ScriptPolicy;
    /// Redirects send no referrer, pages no more of it than the origin (row 9).
    referrer_policy, ReferrerPolicy;
    /// The names of cookies begin with `__Host-`, so that no other host can set them (row 58).
    host_cookies, HostCookies;
    /// The log has paths without their queries (row 75).
    log_redaction, LogRedaction;
    }

    modes {

    /// How the redirect URI of a request is compared with the registered ones (row 31).
    redirect_uri_match: UriMatch [Exact, Prefix, Host, Substring], RedirectUriMatch;
    /// What becomes of a parameter that occurs more than once (row 36).
    duplicates: Duplicates [Refuse, First, Last], Duplicates;
    }
}

impl Defence {
    /// Those that the rule of verify reads ([`crate::verify`]).
    pub const OF_VERIFY: &'static [Self] = &[
        Self::OneTime,
        Self::Lifetime,
        Self::ClientBinding,
        Self::RedirectUriBinding,
        Self::StateBinding,
        Self::VerifierBinding,
        Self::LiveSignIn,
        Self::Assignment,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_has_every_defence_and_without_takes_exactly_one() {
        let strict = format!("{:?}", Policy::STRICT);
        assert!(!strict.contains("false"), "{strict}");
        for defence in Defence::ALL {
            #[expect(clippy::disallowed_methods, reason = "this is the test of the method")]
            let weak = format!("{:?}", Policy::STRICT.without(*defence));
            let differing = strict
                .split(", ")
                .zip(weak.split(", "))
                .filter(|(strict, weak)| strict != weak);
            assert_eq!(differing.count(), 1, "{defence:?}");
            assert_eq!(Defence::named(&format!("{defence:?}")), Some(*defence));
        }
        assert_eq!(Defence::named("Everything"), None);
    }
}
