//! `handoff-lab client report-key`: the key by which a client reports its own steps to the lab.

use authority::store::ClientStore as _;
use handoff::token::{ReportKey, Secret as _};
use lab::store::ReportKeyStore as _;
use web::rng::{Randomness, SystemRandomness};

use super::{AdminContext, DataFolder, Failure, Folder, client_id, no_such_client, print, tell};
use crate::data::{self, AUTHORITY, DataDirLock};

/// Makes or revokes the key, in the folder of the process that holds the lab. Harbor ID may be in
/// another: then nobody here knows which clients there are.
pub(super) async fn run(folder: &DataFolder, id: &str, revoke: bool) -> Result<(), Failure> {
    let id = client_id(id)?;
    let path = folder.path()?;
    data::check(&path)?;
    let file = path.join(data::database(lab::ID));
    if !file.exists() {
        return Err(Failure::argument(format!(
            "there is no {}; a report key is made in the data folder of the process that holds the lab, \
             after its first start",
            file.display()
        )));
    }
    let (mut admin, mut lock) = (None, None);
    if path.join(AUTHORITY).exists() {
        let opened = AdminContext::open(folder, Folder::MustBeThere).await?;
        if opened.store.find_client(&id).await?.is_none() {
            return Err(no_such_client(&id));
        }
        admin = Some(opened);
    } else {
        lock = Some(DataDirLock::acquire(&path).await?);
    }
    let store = lab::store::Sqlite::open(&file).await?;
    let random: &dyn Randomness = &SystemRandomness;
    let key = ReportKey::mint(random.bytes());
    let had_one = if revoke {
        store.revoke_report_key(&id).await?
    } else {
        store.set_report_key(&id, key.digest()).await?;
        true
    };
    store.close().await;
    if let Some(admin) = admin {
        admin.close().await;
    }
    drop(lock);
    if revoke && !had_one {
        return Err(Failure::argument(format!(
            "the id {id}: it has no report key"
        )));
    }
    if revoke {
        tell(&format!("{id} has no report key from now on."));
        return Ok(());
    }
    let done = format!("{id} has a new report key, and an older one is refused from now on");
    print(
        &format!("{}\n", key.expose()),
        format!("{done}; run `client report-key` again for another one"),
    )?;
    tell(&format!(
        "{done}. It was printed on a line of its own, this once.\n\nNext: the application posts its steps to \
         /api/v1/reports at the lab's origin, with `Authorization: Bearer` and this key; docs/PROTOCOL.md has a \
         whole report."
    ));
    Ok(())
}
