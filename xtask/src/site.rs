//! What browsers load, into `target/site`: the lab's wasm bundle, the style sheet, the public files.
//!
//! Names carry a hash of the content, so that a browser may keep a file for ever. Each file lies
//! beside its brotli form, and `manifest.json` tells the server the names of today. Files come
//! first and the manifest last, each by a rename: whoever reads the manifest finds all that it names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use brotli::enc::BrotliEncoderParams;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::workspace::{Workspace, run};

const MANIFEST: &str = "manifest.json";

/// From the names that pages use to those with a hash: `style.css` to `style.<hash>.css`, and the stem
/// of a bundle, `lab`, to `lab.<hash>`, to which `.js` and `_bg.wasm` are added.
type Manifest = BTreeMap<String, String>;

/// The files in `target/site` that belong there.
pub(crate) struct Site {
    folder: PathBuf,
    names: Vec<String>,
}

/// Builds the assets. Files of the build before stay until [`Site::sweep`], since a server may still be
/// using them.
pub(crate) fn build(workspace: &Workspace) -> Result<Site> {
    let folder = workspace.root.join("target/site");
    let lab = Bundle::new(compile(workspace)?)?;
    let style = workspace.root.join("style");
    let css = stylesheet(&style.join("main.css"))?.into_bytes();

    let mut manifest = Manifest::from([("lab".to_owned(), lab.name.clone())]);
    let mut files = BTreeMap::from([
        (format!("{}.js", lab.name), lab.js),
        (format!("{}_bg.wasm", lab.name), lab.wasm),
    ]);
    let css = ("style.css".to_owned(), css);
    for (name, bytes) in public_files(&style.join("public"))?
        .into_iter()
        .chain([css])
    {
        let hashed = hashed(&name, &bytes);
        manifest.insert(name, hashed.clone());
        files.insert(hashed, bytes);
    }
    let mut files = with_brotli(files)?;
    let manifest = serde_json::to_vec_pretty(&manifest)?;

    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    for (name, bytes) in &files {
        place(&folder, name, bytes)?;
    }
    place(&folder, MANIFEST, &manifest)?;
    files.insert(MANIFEST.to_owned(), manifest);
    let names = files.into_keys().collect();
    Ok(Site { folder, names })
}

impl Site {
    /// Removes what earlier builds left.
    pub(crate) fn sweep(&self) -> Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if !self.names.iter().any(|name| path.ends_with(name)) {
                fs::remove_file(&path).with_context(|| path.display().to_string())?;
            }
        }
        Ok(())
    }
}

/// How the bundle is compiled for every command: what is tested is what is shipped.
const WASM_PROFILE: &str = "wasm-release";

/// Compiles `frontend` for the browser.
fn compile(workspace: &Workspace) -> Result<Vec<u8>> {
    const TARGET: &str = "wasm32-unknown-unknown";
    run(workspace
        .cargo()
        .args(["build", "--package", "frontend", "--target", TARGET])
        .args(["--profile", WASM_PROFILE]))?;
    let folder = workspace.target.join(TARGET).join(WASM_PROFILE);
    fs::read(folder.join("frontend.wasm")).context("cannot read the compiled wasm")
}

struct Bundle {
    name: String,
    js: Vec<u8>,
    wasm: Vec<u8>,
}

impl Bundle {
    fn new(module: Vec<u8>) -> Result<Self> {
        let mut output = Bindgen::new()
            .input_bytes("lab", module)
            .web(true)?
            .typescript(false)
            .remove_name_section(true)
            .remove_producers_section(true)
            .generate_output()
            .context("wasm-bindgen")?;
        let wasm = output.wasm_mut().emit_wasm();
        let js = output.js();
        // Crates list snippets that nothing calls (js-sys does); what counts is an import of one.
        if js.contains("./snippets/") {
            bail!("a crate brings JavaScript of its own, which the bundle has no place for");
        }
        let name = format!("lab.{}", hash(&[js.as_bytes(), &wasm]));
        let js = js
            .replace("lab_bg.wasm", &format!("{name}_bg.wasm"))
            .into_bytes();
        Ok(Self { name, js, wasm })
    }
}

/// `entry` with each sheet that it imports in the place of the import. Nothing is rewritten: all
/// browsers that the pages are for read it as it is, and Brotli makes it small.
fn stylesheet(entry: &Path) -> Result<String> {
    let text = fs::read_to_string(entry).with_context(|| entry.display().to_string())?;
    let folder = entry.parent().unwrap_or(Path::new("."));
    let mut sheet = String::with_capacity(text.len());
    for (index, line) in text.lines().enumerate() {
        let Some(import) = line.trim().strip_prefix("@import") else {
            sheet.push_str(line);
            sheet.push('\n');
            continue;
        };
        let at = || format!("{}, line {}", entry.display(), index + 1);
        let name = import.trim().strip_prefix('"');
        let name = name.and_then(|name| name.strip_suffix("\";"));
        let name = name.with_context(|| format!("{}: write @import \"a.css\";", at()))?;
        sheet.push_str(&stylesheet(&folder.join(name)).with_context(at)?);
    }
    Ok(sheet)
}

/// The files of `style/public`.
fn public_files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(files);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.with_context(|| format!("{}: not UTF-8", path.display()))?;
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            bail!("{}: assets have no folders", path.display());
        }
        if !name.contains('.') || name.ends_with(".br") {
            bail!(
                "{}: name it with an ending that says its type",
                path.display()
            );
        }
        let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
        files.insert(name.to_owned(), bytes);
    }
    Ok(files)
}

/// Adds `<name>.br` for each file that gets smaller.
fn with_brotli(mut files: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, Vec<u8>>> {
    let parameters = BrotliEncoderParams::default();
    let mut compressed = BTreeMap::new();
    for (name, bytes) in &files {
        if !is_compressible(name) {
            continue;
        }
        let mut smaller = Vec::new();
        brotli::BrotliCompress(&mut bytes.as_slice(), &mut smaller, &parameters)
            .with_context(|| format!("cannot compress {name}"))?;
        println!(
            "  {name}: {} bytes, {} with brotli",
            bytes.len(),
            smaller.len()
        );
        if smaller.len() < bytes.len() {
            compressed.insert(format!("{name}.br"), smaller);
        }
    }
    files.append(&mut compressed);
    Ok(files)
}

/// Images and fonts in their own formats are compressed already.
fn is_compressible(name: &str) -> bool {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    matches!(
        extension,
        Some("css" | "ico" | "js" | "json" | "svg" | "txt" | "wasm" | "webmanifest" | "xml")
    )
}

/// Whole or not at all: written beside the folder, then renamed into it. A file that is there already is
/// left alone, so that a release is compiled again only when one has changed.
fn place(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    if fs::read(&path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let temporary = folder.with_extension("new");
    fs::write(&temporary, bytes).with_context(|| temporary.display().to_string())?;
    fs::rename(&temporary, &path).with_context(|| path.display().to_string())
}

/// The name of a file with this content: `style.css` becomes `style.<hash>.css`.
fn hashed(name: &str, bytes: &[u8]) -> String {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    format!("{stem}.{}.{ending}", hash(&[bytes]))
}

/// 16 hexadecimal digits: 64 bits tell apart all versions that a browser may ever have kept.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    HEXLOWER.encode(&hasher.finalize()[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imported_sheet_stands_where_its_import_stood() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("pages")).unwrap();
        write("tokens.css", ":root { --ink: #112233; }\n");
        write("pages/all.css", "@import \"one.css\";\n");
        write("pages/one.css", "p { margin: 0; }\n");
        let text = "@import \"tokens.css\";\n@import \"pages/all.css\";\nbody { color: red; }\n";
        write("main.css", text);
        assert_eq!(
            stylesheet(&folder.path().join("main.css")).unwrap(),
            ":root { --ink: #112233; }\np { margin: 0; }\nbody { color: red; }\n"
        );
    }

    #[test]
    fn an_import_that_leads_nowhere_or_is_written_otherwise_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.css");
        for import in ["@import \"nowhere.css\";", "@import url(main.css);"] {
            fs::write(&main, format!("p {{ margin: 0; }}\n{import}\n")).unwrap();
            let error = format!("{:#}", stylesheet(&main).unwrap_err());
            assert!(error.contains("main.css, line 2"), "{error}");
        }
        let missing = folder.path().join("missing.css");
        let error = format!("{:#}", stylesheet(&missing).unwrap_err());
        assert!(error.contains("missing.css"), "{error}");
    }

    #[test]
    fn only_what_gets_smaller_is_compressed() {
        let files = BTreeMap::from([
            ("long.css".to_owned(), b"a{color:red}".repeat(50)),
            ("short.txt".to_owned(), b"x".to_vec()),
            ("photo.webp".to_owned(), vec![0; 1000]),
        ]);
        let all = with_brotli(files).unwrap();
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["long.css", "long.css.br", "photo.webp", "short.txt"]
        );
    }

    #[test]
    fn sweeping_leaves_only_this_build() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("style.old.css"), "").unwrap();
        fs::write(folder.path().join("style.new.css"), "").unwrap();
        let names = vec!["style.new.css".to_owned()];
        Site {
            folder: folder.path().to_owned(),
            names,
        }
        .sweep()
        .unwrap();
        assert!(folder.path().join("style.new.css").exists());
        assert!(!folder.path().join("style.old.css").exists());
    }
}
