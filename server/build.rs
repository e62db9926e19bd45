//! Tells `src/assets.rs` where the assets are.

use std::env;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    let folder = env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    // Without links: the path is fixed at compile time, when the folder may not exist yet.
    let root = folder.join("..").canonicalize()?;
    let target = root.join("target");
    let site = target.canonicalize().unwrap_or(target).join("site");
    println!("cargo::rustc-env=HANDOFF_LAB_SITE={}", site.display());
    println!("cargo::rerun-if-changed=build.rs");
    // Its path is absolute, so it is missing once the clone has moved, and the folder is asked anew.
    println!(
        "cargo::rerun-if-changed={}",
        root.join("Cargo.toml").display()
    );

    // A release build embeds the files, so a new one among them means compiling again. A debug
    // build reads the folder when the program starts.
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rerun-if-changed={}", site.display());
        if !Path::new(&site.join("manifest.json")).exists() {
            println!("cargo::warning=no assets to embed; build with `cargo xtask build --release`");
        }
    }
    Ok(())
}
