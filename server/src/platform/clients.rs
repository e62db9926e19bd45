//! The applications as clients: their records at the authorization server, and the secrets that both
//! sides read from files.

use std::{
    io::ErrorKind,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use handoff::{
    client::{AssignedTo, Client, HandoffLifetime, Kind, Registration},
    ids::ClientId,
    token::{ClientSecret, ReportKey, Secret},
    wire::path,
};
use relying_party::Application;
use web::rng::Randomness;

use super::{
    setup::{CannotStart, MissingSecrets, Setup},
    stores::Files,
};
use crate::data::{PreparedSecret, report_key_file, secret_file};

/// The secret of an application that this platform serves or registers; `None` if it does neither.
///
/// # Errors
/// [`CannotStart::Secret`] saying what to do about the file.
pub(super) fn secret(
    setup: &Setup,
    files: &Files,
    application: Application,
) -> Result<Option<ClientSecret>, CannotStart> {
    let registers = setup.sites.contains(&::authority::ID);
    let serves = setup.sites.contains(&application.site_id());
    if !registers && !serves {
        return Ok(None);
    }
    let random = &*setup.random;
    let Some(folder) = files.folder() else {
        return Ok(Some(ClientSecret::mint(random.bytes())));
    };
    let file = file(setup, folder, application);
    let makes = registers && setup.missing_secrets == MissingSecrets::Make;
    match read(&file, makes)? {
        Some(secret) => Ok(Some(secret)),
        None if makes => make(&file, random).map(Some),
        None if serves => Err(CannotStart::Secret {
            path: file,
            why: format!(
                "it is not there; copy {id}.secret from the data folder of the authorization server, or write there what \
                 `handoff-lab client rotate-secret {id}` prints on that machine",
                id = application.id()
            ),
        }),
        None => {
            let (client, file) = (application.id(), file.display());
            tracing::warn!(client, %file, "not registered, because its secret is not there");
            Ok(None)
        }
    }
}

fn file(setup: &Setup, folder: &Path, application: Application) -> PathBuf {
    let mut files = setup.secret_files.iter();
    let named = files.find(|(of, _)| *of == application.site_id());
    named.map_or_else(
        || secret_file(folder, application.id()),
        |(_, file)| file.clone(),
    )
}

/// Reads a client's secret, if the file is there. Nobody but the owner may read it: a file that others
/// can read is refused, because it may have been read. `replaceable`: one would be made in its place.
///
/// # Errors
/// [`CannotStart::Secret`] saying what to do about it.
pub fn read(file: &Path, replaceable: bool) -> Result<Option<ClientSecret>, CannotStart> {
    let instead = if replaceable {
        "delete it and a new one is made"
    } else {
        "write the client's secret there"
    };
    let read = read_private(file, instead, |text| ClientSecret::parse(text).ok());
    read.map_err(|why| CannotStart::Secret {
        path: file.to_owned(),
        why,
    })
}

/// The key by which sites of other processes report to the lab, for whoever holds the lab, who makes
/// it if it is not there, and for whoever reports.
///
/// # Errors
/// [`CannotStart::Key`] saying what to do about the file.
pub(super) fn report_key(setup: &Setup, files: &Files) -> Result<Option<ReportKey>, CannotStart> {
    let takes = setup.sites.contains(&::lab::ID);
    let random = &*setup.random;
    let file = match (&setup.report_key_file, files.folder()) {
        (Some(file), _) => file.clone(),
        (None, Some(folder)) => report_key_file(folder),
        (None, None) => return Ok(takes.then(|| ReportKey::mint(random.bytes()))),
    };
    let fail = |why: String| CannotStart::Key {
        path: file.clone(),
        why,
    };
    let instead = if takes {
        "delete it and a new one is made"
    } else {
        "write the key of the lab's process there"
    };
    let found = read_private(&file, instead, |text| ReportKey::parse(text).ok()).map_err(fail)?;
    if found.is_none() && takes {
        let key = ReportKey::mint(random.bytes());
        write_new(&file, &key).map_err(fail)?;
        return Ok(Some(key));
    }
    Ok(found)
}

/// Reads a file that nobody but its owner may read; `None` if it is not there. The error says what to
/// do, for which `instead` is the other way.
fn read_private<T>(
    file: &Path,
    instead: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, String> {
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    if metadata.mode() & 0o077 != 0 {
        return Err(format!("others can read it; `chmod 600` it, or {instead}"));
    }
    let text = std::fs::read_to_string(file).map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => {
            "this user may not read it; run this as the user that owns it".to_owned()
        }
        ErrorKind::InvalidData => format!("it holds no secret; {instead}"),
        _ => format!("it cannot be read: {error}"),
    })?;
    match parse(text.trim()) {
        Some(secret) => Ok(Some(secret)),
        None => Err(format!("it holds no secret; {instead}")),
    }
}

fn make(file: &Path, random: &dyn Randomness) -> Result<ClientSecret, CannotStart> {
    let secret = ClientSecret::mint(random.bytes());
    write_new(file, &secret).map_err(|why| CannotStart::Secret {
        path: file.to_owned(),
        why,
    })?;
    Ok(secret)
}

fn write_new(file: &Path, secret: &impl Secret) -> Result<(), String> {
    let written = PreparedSecret::write(file, secret, None).and_then(PreparedSecret::put_in_place);
    written.map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied => {
            "this user may not write there; give the folder to this user".to_owned()
        }
        ErrorKind::StorageFull => "the disk is full; make room".to_owned(),
        _ => format!("it cannot be made: {error}"),
    })
}

/// What the authorization server knows of an application.
pub(crate) fn record(
    setup: &Setup,
    application: Application,
    secret: &ClientSecret,
) -> Result<Client, CannotStart> {
    let origin = setup.origins.of(application);
    let at = |path: &str| format!("{origin}{path}");
    Ok(Client::register(Registration {
        id: client_id(application)?,
        name: application.name(),
        description: application.purpose(),
        icon: application.icon(),
        kind: Kind::Confidential {
            secret: secret.digest(),
        },
        origin: origin.as_str(),
        redirect_uris: &[&at(path::CALLBACK)],
        initiate_login_uri: &at(path::START),
        handoff_lifetime: HandoffLifetime::default(),
        assigned_to: AssignedTo::Everyone,
    })?)
}

pub(crate) fn client_id(application: Application) -> Result<ClientId, CannotStart> {
    ClientId::parse(application.id()).map_err(|error| CannotStart::Other(error.to_string()))
}
