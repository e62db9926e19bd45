//! The entry of the lab's wasm bundle. The page's script calls [`hydrate`] once, then starts each
//! island that it finds; the islands themselves are in `lab_pages`.

use wasm_bindgen::prelude::wasm_bindgen;

// The islands are called by name from the page and by nobody here. Without this line the linker
// sees no use of `lab_pages` and leaves all of them out.
extern crate lab_pages;

/// Makes the page's islands ready to be started.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_islands();
}
