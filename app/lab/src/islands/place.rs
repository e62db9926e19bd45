//! Updates the open page with parts that the server drew.
//!
//! An element is updated in place and not replaced. So it keeps the focus, and what the reader opened
//! stays open.

use leptos::prelude::document;
use wasm_bindgen::JsCast as _;
use web_sys::{DocumentFragment, Element, HtmlTemplateElement, Node};

/// Attributes that belong to the reader: an update leaves them alone.
const KEPT: [&str; 2] = ["open", "aria-current"];

/// Parses HTML into elements that are not part of the page. A template runs no script and loads nothing.
pub(crate) fn read(html: &str) -> Option<DocumentFragment> {
    let template = document().create_element("template").ok()?;
    template.set_inner_html(html);
    Some(template.unchecked_into::<HtmlTemplateElement>().content())
}

/// The elements of a fragment, in order.
pub(crate) fn elements(fragment: &DocumentFragment) -> Vec<Element> {
    std::iter::successors(
        fragment.first_element_child(),
        Element::next_element_sibling,
    )
    .collect()
}

/// The elements inside another, in order.
pub(crate) fn children(element: &Element) -> Vec<Element> {
    std::iter::successors(element.first_element_child(), Element::next_element_sibling).collect()
}

/// A number that an attribute of an element has.
pub(crate) fn number(element: &Element, attribute: &str) -> Option<usize> {
    element.get_attribute(attribute)?.parse().ok()
}

/// Makes an element of the page like a new one.
pub(crate) fn update(old: &Element, new: &Element) {
    for name in names(new) {
        let value = new.get_attribute(&name);
        if !KEPT.contains(&&*name)
            && value != old.get_attribute(&name)
            && let Some(value) = value
        {
            // It fails for an invalid name only, which the parser gives no attribute.
            let _ = old.set_attribute(&name, &value);
        }
    }
    for name in names(old) {
        if !KEPT.contains(&&*name) && !new.has_attribute(&name) {
            let _ = old.remove_attribute(&name);
        }
    }
    let mut place = old.first_child();
    let mut next = new.first_child();
    while let Some(child) = next {
        next = child.next_sibling();
        let after = place.as_ref().and_then(Node::next_sibling);
        // It fails for a parent that cannot have such children, and the parser made no such parent.
        let _ = match &place {
            Some(there) if is_alike(there, &child) => {
                update_node(there, &child);
                Ok(())
            }
            Some(there) => old.replace_child(&child, there).map(drop),
            None => old.append_child(&child).map(drop),
        };
        place = after;
    }
    while let Some(rest) = place {
        place = rest.next_sibling();
        let _ = old.remove_child(&rest);
    }
}

fn is_alike(old: &Node, new: &Node) -> bool {
    old.node_type() == new.node_type() && old.node_name() == new.node_name()
}

fn update_node(old: &Node, new: &Node) {
    if let (Some(old), Some(new)) = (old.dyn_ref::<Element>(), new.dyn_ref::<Element>()) {
        update(old, new);
    } else if old.node_value() != new.node_value() {
        old.set_node_value(new.node_value().as_deref());
    }
}

fn names(element: &Element) -> Vec<String> {
    let names = element.get_attribute_names();
    names.iter().filter_map(|name| name.as_string()).collect()
}
