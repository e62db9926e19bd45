//! The ways to spoil one value, and what each must lead to.

use std::sync::Arc;

use super::{
    raw::{Body, Place, Request},
    routes::{Built, Param, Route, Site},
};

/// What a request must lead to. In all cases: no 5xx that is not named here, no session, no way to a
/// foreign address, no changed row that is not named here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Refused with one of these; nothing changes.
    Status(&'static [u16]),
    /// Refused with this, by a machine's endpoint that names this error.
    Error(u16, &'static str),
    /// The same, and the handoff token is used up: a mismatch burns it.
    Burns,
    /// Sent to the page that explains; nothing changes.
    Explained,
    /// The same, and the handoff that was under way is over.
    Abandoned,
    /// Whoever sent it counts as not signed in: what that means here is the route's to say.
    Nobody,
    /// H3 asks the person.
    Asked,
    /// A redirect to the front page, and nothing was done.
    NothingDone,
    /// The value does not matter, or is a good one: as if nothing had been changed.
    Same,
}

/// A way to spoil a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Missing,
    Empty,
    Twice,
    TwiceAnotherLast,
    TwiceAnotherFirst,
    TwiceEmptyFirst,
    /// Once more, with the name written in another way.
    Twin,
    BadUtf8,
    OverlongUtf8,
    BadPercent,
    LoneSurrogate,
    Nul,
    CrLf,
    Long,
    Markup,
    Unicode,
    Another,
    Number,
    Null,
    True,
    List,
    Object,
    /// A value that is good elsewhere: another client's, person's or browser's.
    Foreign,
}

use Kind::*;

const FIELDS: &[Kind] = &[
    Missing,
    Empty,
    Twice,
    TwiceAnotherLast,
    TwiceAnotherFirst,
    TwiceEmptyFirst,
    Twin,
    BadUtf8,
    OverlongUtf8,
    BadPercent,
    Nul,
    CrLf,
    Long,
    Markup,
    Unicode,
    Another,
];
const MEMBERS: &[Kind] = &[
    Missing,
    Empty,
    Twice,
    TwiceAnotherLast,
    TwiceAnotherFirst,
    TwiceEmptyFirst,
    Twin,
    BadUtf8,
    LoneSurrogate,
    Nul,
    CrLf,
    Long,
    Markup,
    Unicode,
    Another,
    Number,
    Null,
    True,
    List,
    Object,
];
const HEADERS: &[Kind] = &[
    Missing,
    Empty,
    Twice,
    TwiceAnotherLast,
    TwiceAnotherFirst,
    BadUtf8,
    Nul,
    CrLf,
    Long,
    Markup,
    Another,
];
const PATHS: &[Kind] = &[
    BadUtf8,
    OverlongUtf8,
    BadPercent,
    Nul,
    CrLf,
    Long,
    Markup,
    Unicode,
    Another,
];

impl Kind {
    pub const fn is_twice(self) -> bool {
        matches!(
            self,
            Twice | TwiceAnotherLast | TwiceAnotherFirst | TwiceEmptyFirst | Twin
        )
    }

    /// Bytes that are no text.
    pub const fn is_unreadable(self) -> bool {
        matches!(self, BadUtf8 | OverlongUtf8 | LoneSurrogate | Nul)
    }

    fn all(place: Place) -> &'static [Self] {
        match place {
            Place::Query | Place::Form => FIELDS,
            Place::Json => MEMBERS,
            Place::Header | Place::Cookie => HEADERS,
            Place::Path => PATHS,
        }
    }

    /// The values in the place of the good one.
    fn spoil(self, place: Place, name: &str, good: &[u8]) -> Vec<(String, Vec<u8>)> {
        let plus = |text: &[u8]| [good, text].concat();
        let inside = |text: &str| {
            let body = &good[..good.len() - 1];
            [body, text.as_bytes(), b"\""].concat()
        };
        let long = "a".repeat(8 * 1024);
        let (another, empty): (&[u8], &[u8]) = match place {
            Place::Json => (b"\"x\"", b"\"\""),
            _ => (b"x", b""),
        };
        let good_too = good.to_vec();
        let values = match (place, self) {
            (_, Missing | Foreign) => vec![],
            (_, Empty) => vec![empty.to_vec()],
            (_, Twice) => vec![good_too.clone(), good_too],
            (_, TwiceAnotherLast) => vec![good_too, another.to_vec()],
            (_, TwiceAnotherFirst) => vec![another.to_vec(), good_too],
            (_, TwiceEmptyFirst) => vec![empty.to_vec(), good_too],
            (_, Twin) => {
                let first = name.as_bytes()[0];
                let twin = match place {
                    Place::Json => format!("\\u{:04x}{}", first, &name[1..]),
                    _ => format!("%{first:02x}{}", &name[1..]),
                };
                return vec![(name.to_owned(), good_too.clone()), (twin, good_too)];
            }
            (_, Another) => vec![another.to_vec()],
            (Place::Json, BadUtf8) => {
                vec![[&good[..good.len() - 1], b"\xff\"".as_slice()].concat()]
            }
            (Place::Json, LoneSurrogate) => vec![inside("\\ud800")],
            (Place::Json, Nul) => vec![inside("\\u0000")],
            (Place::Json, CrLf) => vec![inside("\\r\\nset-cookie: a=b")],
            // The body may have 8 KiB, so that this is about the member.
            (Place::Json, Long) => vec![inside(&long[..5000])],
            (Place::Json, Markup) => vec![inside("\\\"><script>alert(1)</script>")],
            (Place::Json, Unicode) => vec![inside("\u{202e}\u{ff0f}")],
            (_, Number) => vec![b"1".to_vec()],
            (_, Null) => vec![b"null".to_vec()],
            (_, True) => vec![b"true".to_vec()],
            (_, List) => vec![[b"[", good, b"]"].concat()],
            (_, Object) => vec![[b"{\"a\":", good, b"}"].concat()],
            (Place::Header | Place::Cookie, BadUtf8) => vec![plus(b"\xff")],
            (Place::Header | Place::Cookie, Nul) => vec![plus(b"\0")],
            // A whole one would begin another header.
            (Place::Header | Place::Cookie, CrLf) => vec![plus(b"\rset-cookie: a=b")],
            (Place::Header | Place::Cookie, Markup) => {
                vec![plus(b"\"><script>alert(1)</script>")]
            }
            (_, Long) => vec![plus(long.as_bytes())],
            (_, BadUtf8 | LoneSurrogate) => vec![plus(b"%ff")],
            (_, OverlongUtf8) => vec![plus(b"%c0%af")],
            (_, BadPercent) => vec![plus(b"%4")],
            (_, Nul) => vec![plus(b"%00")],
            (_, CrLf) => vec![plus(b"%0d%0aset-cookie:%20a=b")],
            (_, Markup) => vec![plus(b"%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E")],
            (_, Unicode) => vec![plus(b"%E2%80%AE%EF%BC%8F")],
        };
        let named = values.into_iter().map(|value| (name.to_owned(), value));
        named.collect()
    }
}

/// Another body, made of a good element of a list.
type OfElement = fn(&[u8]) -> Vec<u8>;

type Spoil = Arc<dyn Fn(&Built) -> Request>;

/// A good request with something wrong in it.
#[derive(Clone)]
pub struct Case {
    pub label: String,
    pub expect: Expect,
    /// The value that it spoils.
    pub about: (Place, &'static str),
    /// It puts a foreign value there, which only a built request knows.
    pub is_foreign: bool,
    spoil: Spoil,
    again: Arc<dyn Fn(&mut Request)>,
}

impl Case {
    pub fn request(&self, built: &Built) -> Request {
        (self.spoil)(built)
    }

    /// Spoils a request that is spoilt already.
    pub fn add_to(&self, request: &mut Request) {
        (self.again)(request);
    }

    fn new(
        label: String,
        expect: Expect,
        about: (Place, &'static str),
        change: impl Fn(&mut Request) + 'static,
    ) -> Self {
        let change = Arc::new(change);
        let again = Arc::clone(&change);
        Self {
            label,
            expect,
            about,
            is_foreign: false,
            spoil: Arc::new(move |built| {
                let mut request = built.request.clone();
                change(&mut request);
                request
            }),
            again,
        }
    }
}

/// One thing wrong with one value of the route, in each way.
pub fn of_values(route: &Route, built: &Built) -> Vec<Case> {
    let mut cases = Vec::new();
    for Param { place, name, rule } in &route.params {
        for kind in Kind::all(*place) {
            let mut expect = rule(*kind);
            if matches!(place, Place::Header | Place::Cookie) && matches!(kind, Nul | CrLf) {
                // Such bytes stand in no header at all (RFC 9110, 5.5).
                expect = Expect::Status(&[400]);
            }
            let (place, name, kind) = (*place, *name, *kind);
            cases.push(Case::new(
                format!("{place:?} {name}: {kind:?}"),
                expect,
                (place, name),
                move |request| {
                    let good = request.value(place, name);
                    request.put(place, name, kind.spoil(place, name, &good));
                },
            ));
        }
        for (at, found, whose, _) in &built.foreign {
            if (at, found) != (place, name) {
                continue;
            }
            let (place, name, whose) = (*place, *name, *whose);
            let mut case = Case::new(
                format!("{place:?} {name}: {whose}"),
                rule(Foreign),
                (place, name),
                |_| {},
            );
            case.is_foreign = true;
            case.spoil = Arc::new(move |built| {
                let mut request = built.request.clone();
                let found = built
                    .foreign
                    .iter()
                    .find(|(at, found, who, _)| (*at, *found, *who) == (place, name, whose));
                let value = found.unwrap().3.clone();
                request.put(place, name, vec![(name.to_owned(), value)]);
                request
            });
            cases.push(case);
        }
    }
    cases
}

const MACHINE: Expect = Expect::Error(400, "invalid_request");

/// What is wrong with the whole body, or the method, or the head.
pub fn of_the_whole(route: &Route, built: &Built) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |label: &str, expect, change: Box<dyn Fn(&mut Request)>| {
        cases.push(Case::new(
            label.to_owned(),
            expect,
            (Place::Path, "whole"),
            change,
        ));
    };
    let methods = [
        "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO", "get",
    ];
    let others = methods
        .into_iter()
        .filter(|method| !route.methods.contains(method));
    let form = route.params.iter().any(|param| param.place == Place::Form);
    let json = matches!(built.request.body, Body::Json | Body::JsonList);
    let list = matches!(built.request.body, Body::JsonList);
    for method in others {
        add(
            &format!("method {method}"),
            Expect::Status(&[400, 405]),
            Box::new(move |request| request.method = method.to_owned()),
        );
    }
    // No route reads a token from an address that it does not ask for there.
    for name in ["access_token", "handoff_token", "user_id", "client_secret"] {
        if !route.params.iter().any(|param| param.name == name) {
            add(
                &format!("unknown parameter {name}, twice"),
                Expect::Same,
                Box::new(move |request| {
                    let (a, b) = (b"x".to_vec(), b"%20y".to_vec());
                    let twice = vec![(name.to_owned(), a), (name.to_owned(), b)];
                    request.put(Place::Query, name, twice);
                }),
            );
        }
    }
    for (label, hosts, status) in [
        ("no host", vec![], &[400, 421][..]),
        ("another host", vec!["evil.localhost"], &[421]),
        ("two hosts", vec!["", "evil.localhost"], &[400, 421]),
    ] {
        let status: &'static [u16] = match status.len() {
            1 => &[421],
            _ => &[400, 421],
        };
        // The operator's listener has no names.
        if route.site == Site::Ops {
            continue;
        }
        let expect = match (route.site, label) {
            // The page that says that there is no such site has its style sheet there, too.
            (Site::Assets, "another host") => Expect::Same,
            _ => Expect::Status(status),
        };
        add(
            label,
            expect,
            Box::new(move |request| {
                let good = request.value(Place::Header, "host");
                let hosts = hosts.iter().map(|host| {
                    let value = if host.is_empty() {
                        good.clone()
                    } else {
                        host.as_bytes().to_vec()
                    };
                    ("host".to_owned(), value)
                });
                request.put(Place::Header, "host", hosts.collect());
            }),
        );
    }
    if route
        .params
        .iter()
        .any(|param| param.place == Place::Cookie)
    {
        for (label, name, value) in [
            (
                "a cookie of 8 KiB beside",
                "tossed",
                "a".repeat(8 * 1024).into_bytes(),
            ),
            ("a cookie of no text beside", "tossed", b"\xff\xfe".to_vec()),
            (
                "a cookie with another space",
                "\u{2000}__Host-as_session",
                b"x".to_vec(),
            ),
            (
                "a cookie with another space there",
                "\u{2000}__Host-rp_session",
                b"x".to_vec(),
            ),
            ("a cookie in capitals", "__HOST-RP_SESSION", b"x".to_vec()),
            (
                "a secure cookie of a sibling",
                "__Secure-as_session",
                b"x".to_vec(),
            ),
        ] {
            let name = name.to_owned();
            add(
                label,
                Expect::Same,
                Box::new(move |request| {
                    request.put(Place::Cookie, &name, vec![(name.clone(), value.clone())]);
                }),
            );
        }
    }
    if built.request.method == "GET" {
        add(
            "method HEAD",
            Expect::Status(&[200, 303, 405]),
            Box::new(|request| request.method = "HEAD".to_owned()),
        );
    }
    if form {
        for (label, status, body) in [
            ("an empty body", &[400, 403][..], Vec::new()),
            ("a JSON body", &[400, 403], br#"{"csrf":"x"}"#.to_vec()),
            ("a body of no text", &[400, 403], b"\xff\xfe\x00".to_vec()),
            ("a body of 65 KiB", &[413], vec![b'a'; 65 * 1024]),
        ] {
            let status: &'static [u16] = if status.len() == 1 {
                &[413]
            } else {
                &[400, 403]
            };
            add(
                label,
                Expect::Status(status),
                Box::new(move |request| request.body = Body::Raw(body.clone())),
            );
        }
    }
    if json {
        for (label, body) in [
            ("an empty body", ""),
            ("no JSON", "{"),
            ("null", "null"),
            ("a list of nothing in a list", "[[]]"),
            ("a text", "\"x\""),
            ("an empty object", "{}"),
            ("an empty object in a list", "[{}]"),
            ("a byte order mark", "\u{feff}{}"),
            ("a form", "handoff_token=x&client_id=notes"),
        ] {
            let body = body.as_bytes().to_vec();
            add(
                label,
                MACHINE,
                Box::new(move |request| request.body = Body::Raw(body.clone())),
            );
        }
        for (label, open) in [("deep lists", "["), ("deep objects", "{\"a\":")] {
            let body = open.repeat(1300).into_bytes();
            add(
                label,
                MACHINE,
                Box::new(move |request| request.body = Body::Raw(body.clone())),
            );
        }
        for trailing in [" x", "{}", "\0", ",", "]"] {
            add(
                &format!("followed by {trailing:?}"),
                MACHINE,
                Box::new(move |request| {
                    let body = [&request.json_body(), trailing.as_bytes()].concat();
                    request.body = Body::Raw(body);
                }),
            );
        }
        add(
            "deep nesting in a member that nobody asks for",
            // A report has no members but its own.
            if list { MACHINE } else { Expect::Same },
            Box::new(|request| {
                let deep = format!("{}{}", "[".repeat(1300), "]".repeat(1300));
                let deep = vec![("other".to_owned(), deep.into_bytes())];
                request.put(Place::Json, "other", deep);
            }),
        );
        let (label, long) = match list {
            true => ("more than 64 KiB", 65 * 1024),
            false => ("more than 8 KiB", 9000),
        };
        add(
            label,
            Expect::Error(413, "invalid_request"),
            Box::new(move |request| {
                let long = format!("\"{}\"", "a".repeat(long));
                let long = vec![("other".to_owned(), long.into_bytes())];
                request.put(Place::Json, "other", long);
            }),
        );
    }
    if list {
        let pieces: [(&str, OfElement); 4] = [
            ("a good one and one that is none", |good| {
                [b"[", good, b",{}]"].concat()
            }),
            ("a good one and null", |good| {
                [b"[", good, b",null]"].concat()
            }),
            ("the object alone", <[u8]>::to_vec),
            ("more than a hundred", |good| {
                let all = vec![good; 101].join(&b","[..]);
                [b"[", &*all, b"]"].concat()
            }),
        ];
        for (label, body) in pieces {
            add(
                label,
                MACHINE,
                Box::new(move |request| {
                    let good = request.json_body();
                    request.body = Body::Raw(body(&good[1..good.len() - 1]));
                }),
            );
        }
    }
    cases
}
