//! https: a certificate of our own making, or one from files.
//!
//! Our own is a leaf for the sites' hosts, signed by a certificate authority that exists on this
//! machine only. Whoever trusts that authority trusts it for these hosts and no others (name
//! constraints, RFC 5280, 4.2.1.10): its key, in the data folder, opens nothing else.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    net::IpAddr,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints,
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::config::Certificate;

/// The folder of our own making, in the data folder.
const FOLDER: &str = "tls";
/// The longest that Safari takes from an authority of one's own is 825 days; browsers tend to less.
const LEAF_LIVES: Duration = Duration::days(397);
/// A leaf with less than this left is made anew at the start.
const LEAF_LEFT: Duration = Duration::days(30);
/// Trusting it is a person's work, so that it shall not come again soon.
const AUTHORITY_LIVES: Duration = Duration::days(3_650);

/// Why https cannot be served, or a certificate not be checked.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct BadCertificate {
    path: PathBuf,
    why: String,
}

impl BadCertificate {
    fn new(path: &Path, why: impl std::fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}

/// What https is served with.
pub struct Encryption {
    /// Turns connections into encrypted ones.
    pub acceptor: TlsAcceptor,
    /// The authority of our own making, if there is one.
    pub own_authority: Option<OwnAuthority>,
}

/// The authority that whoever opens the sites must trust.
#[derive(Clone, Debug)]
pub struct OwnAuthority {
    /// Its certificate's file.
    pub file: PathBuf,
    /// The certificate, as PEM.
    pub pem: Vec<u8>,
}

/// Reads the certificate, or makes one for these hosts in the data folder.
///
/// # Errors
/// [`BadCertificate`] with the file at fault.
pub fn prepare(
    certificate: &Certificate,
    data: &Path,
    hosts: &[String],
    now: OffsetDateTime,
) -> Result<Encryption, BadCertificate> {
    let (cert, key, own_authority) = match certificate {
        Certificate::Files { cert, key } => (cert.clone(), key.clone(), None),
        Certificate::OwnMaking => {
            let folder = data.join(FOLDER);
            make_if_needed(&folder, hosts, now)?;
            let file = folder.join(AUTHORITY);
            let pem = std::fs::read(&file).map_err(|error| BadCertificate::new(&file, error))?;
            let own = OwnAuthority { file, pem };
            (folder.join(LEAF), folder.join(LEAF_KEY), Some(own))
        }
    };
    Ok(Encryption {
        acceptor: acceptor(&cert, &key)?,
        own_authority,
    })
}

/// The certificates of a file that a relying party shall trust, checked to be some.
///
/// # Errors
/// [`BadCertificate`] when they are none.
pub fn authority(file: &Path) -> Result<Vec<u8>, BadCertificate> {
    let fail = |why: String| BadCertificate::new(file, why);
    let pem = std::fs::read(file).map_err(|error| fail(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for found in CertificateDer::pem_slice_iter(&pem) {
        let added = found
            .map_err(|error| error.to_string())
            .and_then(|found| store.add(found).map_err(|error| error.to_string()));
        added.map_err(fail)?;
    }
    if store.is_empty() {
        return Err(fail("it holds no certificate in PEM".to_owned()));
    }
    Ok(pem)
}

fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor, BadCertificate> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect)
        .map_err(|error| BadCertificate::new(cert, error));
    let chain = chain?;
    if chain.is_empty() {
        return Err(BadCertificate::new(cert, "it holds no certificate in PEM"));
    }
    refuse_if_others_can_read(key)?;
    let private = PrivateKeyDer::from_pem_file(key);
    let private = private.map_err(|error| BadCertificate::new(key, error))?;
    // The provider is named: another dependency may bring one too, and then rustls chooses none.
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| BadCertificate::new(cert, error))?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(|error| BadCertificate::new(cert, error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn refuse_if_others_can_read(key: &Path) -> Result<(), BadCertificate> {
    let metadata = std::fs::metadata(key).map_err(|error| BadCertificate::new(key, error))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(BadCertificate::new(
            key,
            "others can read it; `chmod 600` it",
        ));
    }
    Ok(())
}

const AUTHORITY: &str = "ca.pem";
const AUTHORITY_KEY: &str = "ca.key";
const LEAF: &str = "leaf.pem";
const LEAF_KEY: &str = "leaf.key";
/// Written last, so that it tells of whole files only.
const RECORD: &str = "made.toml";

/// What was made, so that no certificate must be taken apart to see whether it still serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// The hosts that the authority may vouch for.
    authority_hosts: Vec<String>,
    /// When it ends, in seconds since 1970.
    authority_until: i64,
    /// The hosts that the leaf names.
    leaf_hosts: Vec<String>,
    /// When it ends, in seconds since 1970.
    leaf_until: i64,
}

fn make_if_needed(
    folder: &Path,
    hosts: &[String],
    now: OffsetDateTime,
) -> Result<(), BadCertificate> {
    let failed = |error: io::Error| BadCertificate::new(folder, error);
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(failed)?;
    let record_file = folder.join(RECORD);
    let record = match std::fs::read_to_string(&record_file) {
        Ok(text) => toml::from_str(&text).map_err(|error| {
            let why = format!(
                "{}; delete the folder and all is made anew",
                error.message()
            );
            BadCertificate::new(&record_file, why)
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Record::default(),
        Err(error) => return Err(BadCertificate::new(&record_file, error)),
    };
    let mut made = record.clone();
    let mut fresh = false;
    // An authority must outlive what it signs.
    let outlives = (now + LEAF_LIVES).unix_timestamp() < record.authority_until;
    let vouches = hosts
        .iter()
        .all(|host| may_vouch(&record.authority_hosts, host));
    if !outlives || !vouches {
        make_authority(folder, hosts, now)?;
        fresh = true;
        made.authority_hosts = hosts.to_vec();
        made.authority_until = (now + AUTHORITY_LIVES).unix_timestamp();
    }
    let lasts = (now + LEAF_LEFT).unix_timestamp() < record.leaf_until;
    if fresh || !lasts || record.leaf_hosts != hosts {
        make_leaf(folder, hosts, now, &made.authority_hosts)?;
        made.leaf_hosts = hosts.to_vec();
        made.leaf_until = (now + LEAF_LIVES).unix_timestamp();
    }
    if made != record {
        let text = toml::to_string(&made).map_err(|error| failed(io::Error::other(error)))?;
        write(&record_file, &text)?;
    }
    Ok(())
}

/// `*.localhost` is any authority's to vouch for: these names are this machine, and never another.
fn may_vouch(authority_hosts: &[String], host: &str) -> bool {
    authority_hosts.iter().any(|known| known == host)
        || !authority_hosts.is_empty() && is_localhost(host)
}

fn is_localhost(host: &str) -> bool {
    let loopback = host
        .parse()
        .is_ok_and(|address: IpAddr| address.is_loopback());
    loopback || host == "localhost" || host.ends_with(".localhost")
}

fn make_authority(
    folder: &Path,
    hosts: &[String],
    now: OffsetDateTime,
) -> Result<(), BadCertificate> {
    let file = folder.join(AUTHORITY);
    let failed = |error: rcgen::Error| BadCertificate::new(&file, error);
    let key = KeyPair::generate().map_err(failed)?;
    let certificate = authority_params(hosts, now).self_signed(&key);
    let pem = certificate.map_err(failed)?.pem();
    write(&folder.join(AUTHORITY_KEY), &key.serialize_pem())?;
    write(&file, &pem)
}

fn authority_params(hosts: &[String], now: OffsetDateTime) -> CertificateParams {
    let mut permitted = vec![
        GeneralSubtree::DnsName("localhost".to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
            std::net::Ipv6Addr::LOCALHOST.octets(),
            128,
        )),
    ];
    for host in hosts.iter().filter(|host| !is_localhost(host)) {
        permitted.push(match host.parse() {
            Ok(IpAddr::V4(address)) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(address.octets(), 32))
            }
            Ok(IpAddr::V6(address)) => {
                GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(address.octets(), 128))
            }
            Err(_) => GeneralSubtree::DnsName(host.clone()),
        });
    }
    let mut params = params("Handoff Lab, this machine only", now, AUTHORITY_LIVES);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: Vec::new(),
    });
    params
}

fn make_leaf(
    folder: &Path,
    hosts: &[String],
    now: OffsetDateTime,
    authority_hosts: &[String],
) -> Result<(), BadCertificate> {
    let file = folder.join(LEAF);
    let failed = |error: rcgen::Error| BadCertificate::new(&file, error);
    let key_file = folder.join(AUTHORITY_KEY);
    refuse_if_others_can_read(&key_file)?;
    let key = std::fs::read_to_string(&key_file);
    let key = key.map_err(|error| BadCertificate::new(&key_file, error))?;
    let key = KeyPair::from_pem(&key).map_err(|error| BadCertificate::new(&key_file, error))?;
    // Of the authority, a signature takes the name and the key; both are the same each time.
    let issuer = Issuer::new(authority_params(authority_hosts, now), key);

    let leaf_key = KeyPair::generate().map_err(failed)?;
    let mut leaf = CertificateParams::new(hosts).map_err(failed)?;
    let named = params("Handoff Lab", now, LEAF_LIVES);
    leaf.distinguished_name = named.distinguished_name;
    (leaf.not_before, leaf.not_after) = (named.not_before, named.not_after);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let certificate = leaf.signed_by(&leaf_key, &issuer).map_err(failed)?;
    write(&folder.join(LEAF_KEY), &leaf_key.serialize_pem())?;
    write(&file, &certificate.pem())
}

fn params(name: &str, now: OffsetDateTime, lives: Duration) -> CertificateParams {
    let mut params = CertificateParams::default();
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    params.distinguished_name = names;
    // A browser's clock may be behind.
    params.not_before = now - Duration::days(1);
    params.not_after = now + lives;
    params
}

/// Writes a file for the owner alone, by way of another name: a crash leaves the old one whole.
fn write(file: &Path, text: &str) -> Result<(), BadCertificate> {
    let half = file.with_extension("new");
    let written = || {
        let mut options = OpenOptions::new();
        let mut created = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&half)?;
        created.write_all(text.as_bytes())?;
        created.sync_all()?;
        std::fs::rename(&half, file)
    };
    written().map_err(|error: io::Error| BadCertificate::new(file, error))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const START: OffsetDateTime = datetime!(2026-11-21 03:00 UTC);

    fn hosts(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Authority and leaf after a start at this time.
    fn started(folder: &Path, names: &[&str], now: OffsetDateTime) -> (Vec<u8>, Vec<u8>) {
        let encryption = prepare(&Certificate::OwnMaking, folder, &hosts(names), now).unwrap();
        let own = encryption.own_authority.unwrap();
        (own.pem, std::fs::read(folder.join("tls/leaf.pem")).unwrap())
    }

    #[test]
    fn it_is_kept_until_it_ends_or_the_hosts_change() {
        let folder = tempfile::tempdir().unwrap();
        let both = ["auth.localhost", "notes.localhost"];
        let (authority, leaf) = started(folder.path(), &both, START);
        let again = started(folder.path(), &both, START + Duration::days(300));
        assert_eq!(again, (authority.clone(), leaf.clone()));

        let (same, renewed) = started(folder.path(), &both, START + Duration::days(380));
        assert!(same == authority && renewed != leaf);
        let (same, other) = started(
            folder.path(),
            &["auth.localhost"],
            START + Duration::days(381),
        );
        assert!(same == authority && other != renewed);

        // Its authority may not vouch for a name on the network, so that takes another one.
        let open = ["auth.example"];
        let (other, _) = started(folder.path(), &open, START);
        assert_ne!(other, authority);
        let (old, _) = started(folder.path(), &open, START + Duration::days(3_500));
        assert_ne!(old, other);
    }

    #[test]
    fn its_files_are_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        started(folder.path(), &["auth.localhost"], START);
        let tls = folder.path().join("tls");
        assert_eq!(std::fs::metadata(&tls).unwrap().mode() & 0o777, 0o700);
        for file in std::fs::read_dir(&tls).unwrap() {
            let mode = file.unwrap().metadata().unwrap().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let key = tls.join(LEAF_KEY);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        let refused = prepare(
            &Certificate::OwnMaking,
            folder.path(),
            &hosts(&["auth.localhost"]),
            START,
        );
        let said = refused.err().unwrap().to_string();
        assert!(
            said.contains("leaf.key") && said.contains("chmod 600"),
            "{said}"
        );
    }

    #[test]
    fn a_file_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(authority(&file).unwrap_err().to_string().contains("ca.pem"));
        std::fs::write(&file, "no certificate").unwrap();
        assert!(
            authority(&file)
                .unwrap_err()
                .to_string()
                .contains("no certificate in PEM")
        );
        started(folder.path(), &["auth.localhost"], START);
        assert!(authority(&folder.path().join("tls/ca.pem")).is_ok());
        let files = Certificate::Files {
            cert: file.clone(),
            key: folder.path().join("tls/leaf.key"),
        };
        let said = prepare(&files, folder.path(), &[], START).err().unwrap();
        assert!(said.to_string().contains("ca.pem"), "{said}");
    }
}
