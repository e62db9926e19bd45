//! The content security policy of a page (rows 65 and 83).

use handoff::{policy::Policy, uri::Origin};

/// The nonce of a response's scripts: minted per request by [`crate::headers::set`].
#[derive(Clone, Debug)]
pub(crate) struct CspNonce(pub String);

/// Where, besides this site, the forms of a page may end (row 83). Browsers apply `form-action` to
/// every redirect that follows a form's post.
#[derive(Clone, Debug, Default)]
pub(crate) struct FormTargets(pub Vec<Origin>);

/// The content security policy of a page whose scripts have this nonce, as far as its directives hold
/// at the site.
pub(crate) fn policy(nonce: &str, targets: &FormTargets, policy: &Policy) -> String {
    let mut form_action = String::from("'self'");
    for origin in &targets.0 {
        form_action.push(' ');
        form_action.push_str(origin.as_str());
    }
    let mut directives = Vec::new();
    if policy.script_policy() {
        directives.push(format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
             style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
             object-src 'none'; base-uri 'none'"
        ));
    }
    if policy.frame_ancestors() {
        directives.push("frame-ancestors 'none'".to_owned());
    }
    directives.push(format!("form-action {form_action}"));
    directives.join("; ")
}
