//! What is drawn of the handoffs that somebody follows: each change once, for all who follow it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex as Lock, PoisonError, Weak},
};

use lab_pages::{
    drawn::Drawn,
    flows::{DrawnRows, FlowRow},
};
use tokio::sync::Mutex;
use web::problem::Problem;

use super::{find_whole, names};
use crate::{
    Lab,
    store::{Flow, Kept, Number, in_order},
};

/// A handoff as it was drawn at one moment.
#[derive(Debug)]
pub(crate) struct Drawing {
    /// Of which flow, and of how many of its steps.
    of: (Number, usize),
    /// The number of the last step in it. A browser says it when it asks for what came after.
    pub(crate) last: u64,
    pub(crate) drawn: Arc<Drawn>,
}

impl Drawing {
    /// Draws a flow with all that is kept of it.
    pub(crate) fn of(flow: &Flow, kept: Vec<Kept>) -> Self {
        let last = kept.iter().map(|kept| kept.seq).max().unwrap_or(0);
        Self {
            of: (flow.number, flow.steps),
            last,
            drawn: Arc::new(Drawn::of(&in_order(kept), &names())),
        }
    }

    fn is_of(&self, flow: &Flow) -> bool {
        self.of == (flow.number, flow.steps)
    }
}

/// A flow as it was with this step as the last. None where nothing of that is kept under its number:
/// then nothing is known of what a browser has that had it.
///
/// # Errors
/// Those of [`find_whole`].
pub(crate) async fn before(
    lab: &Lab,
    flow: &Flow,
    last: u64,
) -> Result<Option<Arc<Drawing>>, Problem> {
    if last == 0 {
        return Ok(None);
    }
    let (flow, mut kept) = find_whole(lab, &flow.id).await?;
    kept.retain(|kept| kept.seq <= last);
    Ok((!kept.is_empty()).then(|| Arc::new(Drawing::of(&flow, kept))))
}

/// The place of the newest drawing of one flow. It is there as long as somebody follows the flow.
#[derive(Default)]
pub(crate) struct Easel(Mutex<Option<Arc<Drawing>>>);

impl Easel {
    /// The flow as it is now. Whoever comes first draws it; those who come meanwhile wait for that.
    ///
    /// # Errors
    /// Those of [`find_whole`].
    pub(crate) async fn draw(&self, lab: &Lab, flow: &Flow) -> Result<Arc<Drawing>, Problem> {
        let mut newest = self.0.lock().await;
        if let Some(drawing) = newest.as_ref().filter(|drawing| drawing.is_of(flow)) {
            return Ok(Arc::clone(drawing));
        }
        let (flow, kept) = find_whole(lab, &flow.id).await?;
        let drawing = Arc::new(Drawing::of(&flow, kept));
        *newest = Some(Arc::clone(&drawing));
        Ok(drawing)
    }
}

/// What is drawn for those who follow: a flow, or the list.
#[derive(Default)]
pub(crate) struct Drawings {
    easels: Lock<HashMap<Number, Weak<Easel>>>,
    list: Lock<Weak<DrawnRows>>,
}

impl Drawings {
    /// These rows of the list, drawn. Those who show the same rows at the same time have one drawing.
    pub(crate) fn list(&self, rows: Vec<FlowRow>) -> Arc<DrawnRows> {
        let mut newest = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = newest.upgrade().filter(|drawn| drawn.shows(&rows)) {
            return drawn;
        }
        let drawn = Arc::new(DrawnRows::of(rows));
        *newest = Arc::downgrade(&drawn);
        drawn
    }

    /// The easel of this flow, the same for all who hold it.
    pub(crate) fn easel(&self, flow: Number) -> Arc<Easel> {
        let mut easels = self.easels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(easel) = easels.get(&flow).and_then(Weak::upgrade) {
            return easel;
        }
        easels.retain(|_, easel| easel.strong_count() > 0);
        let easel = Arc::new(Easel::default());
        easels.insert(flow, Arc::downgrade(&easel));
        easel
    }
}

impl fmt::Debug for Drawings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drawings(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_who_follow_a_flow_have_one_easel_and_the_last_one_takes_it_away() {
        let drawings = Drawings::default();
        let (first, second) = (drawings.easel(Number(1)), drawings.easel(Number(1)));
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &drawings.easel(Number(2))));
        drop((first, second));
        let _other = drawings.easel(Number(3));
        assert_eq!(drawings.easels.lock().unwrap().len(), 1);
    }
}
