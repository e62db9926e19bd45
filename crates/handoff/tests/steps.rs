//! The rows of the security checklist that a step names, against the checklist itself.

use std::collections::BTreeMap;

use handoff::step::Step;

/// What each step decides, by row: a few words of the requirement, so that a number that leads to
/// another row is found. Every other step decides nothing: it travels, asks, or ends.
const DECIDED: &[(Step, &[(u8, &str)])] = &[
    (Step::LaunchTicketIssued, &[(26, "Open App = POST")]),
    (Step::StateMade, &[(20, "`state` ≥128 bit, RP-made")]),
    (Step::ConfirmationAsked, &[(25, "else interstitial")]),
    (
        Step::TokenIssued,
        &[
            (1, "Handoff token = 256-bit"),
            (2, "TTL 60 s default"),
            (25, "only after explicit action"),
        ],
    ),
    (Step::StateMatched, &[(20, "bound to pre-session cookie")]),
    (
        Step::Redeemed,
        &[
            (3, "One-time, atomic"),
            (6, "Bound to client"),
            (13, "Client authentication at verify"),
            (80, "The token row decides about the verifier"),
        ],
    ),
    (Step::SwitchAsked, &[(24, "Account switch at RP")]),
    (Step::SessionCreated, &[(23, "new id after login")]),
];

/// The requirements of `docs/SECURITY.md` by number.
fn checklist() -> BTreeMap<u8, &'static str> {
    let document = include_str!("../../../docs/SECURITY.md");
    let cells = document.lines().map(|line| line.split(" | "));
    cells
        .filter_map(|mut cells| {
            let number = cells.next()?.strip_prefix("| ")?.parse().ok()?;
            Some((number, cells.next()?))
        })
        .collect()
}

#[test]
fn a_step_names_the_rows_that_it_holds_to_and_only_a_decision_names_any() {
    let checklist = checklist();
    assert!(checklist.len() > 80, "the checklist was read");
    for step in Step::ALL {
        let decided = DECIDED.iter().find(|(of, _)| of == step);
        let decided = decided.map_or(&[][..], |(_, rows)| rows);
        let numbers: Vec<u8> = decided.iter().map(|(row, _)| *row).collect();
        assert_eq!(step.rows(), numbers, "{step:?}");
        for (row, words) in decided {
            let requirement = checklist.get(row).copied().unwrap_or_default();
            assert!(
                requirement.contains(words),
                "{step:?} names row {row}, which says: {requirement}"
            );
        }
    }
}
