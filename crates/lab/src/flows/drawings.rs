//! The drawings that streams send. Each change of a flow is drawn once for all streams that follow it.

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
use web::error_page::ErrorPage;

use super::{find_whole, names};
use crate::{
    Lab,
    store::{Flow, Kept, Number, in_order},
};

/// A flow as it was drawn at one moment.
#[derive(Debug)]
pub(crate) struct Drawing {
    /// The flow, and how many steps it had.
    of: (Number, usize),
    /// The sequence number of its last step: the event id of this drawing.
    pub(crate) last: u64,
    pub(crate) drawn: Arc<Drawn>,
}

impl Drawing {
    /// Draws a flow from its kept steps.
    pub(crate) fn of(flow: &Flow, kept: Vec<Kept>) -> Self {
        let last = kept.iter().map(|kept| kept.seq).max().unwrap_or(0);
        Self {
            of: (flow.number, flow.steps),
            last,
            drawn: Arc::new(Drawn::of(&in_order(kept), &names())),
        }
    }

    /// Whether it has all steps that this flow has.
    fn has_all_of(&self, flow: &Flow) -> bool {
        let (number, steps) = self.of;
        number == flow.number && steps >= flow.steps
    }
}

/// The flow as it was drawn when this was its last step. None if no step up to it is kept, as after a
/// merge, which gives all steps new sequence numbers: then the page may show anything.
///
/// # Errors
/// Those of [`find_whole`].
pub(crate) async fn before(
    lab: &Lab,
    flow: &Flow,
    last: u64,
) -> Result<Option<Arc<Drawing>>, ErrorPage> {
    if last == 0 {
        return Ok(None);
    }
    let (flow, mut kept) = find_whole(lab, &flow.id).await?;
    kept.retain(|kept| kept.seq <= last);
    Ok((!kept.is_empty()).then(|| Arc::new(Drawing::of(&flow, kept))))
}

/// The latest drawing of one flow. It lives as long as a stream follows the flow.
#[derive(Default)]
pub(crate) struct Latest(Mutex<Option<Arc<Drawing>>>);

impl Latest {
    /// The flow as it is now. The first stream that asks after a change reads and draws it; the others
    /// wait for that drawing.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) async fn draw<E>(
        &self,
        flow: &Flow,
        read: impl Future<Output = Result<(Flow, Vec<Kept>), E>>,
    ) -> Result<Arc<Drawing>, E> {
        let mut latest = self.0.lock().await;
        if let Some(drawing) = latest.as_ref().filter(|drawing| drawing.has_all_of(flow)) {
            return Ok(Arc::clone(drawing));
        }
        let (flow, kept) = read.await?;
        let drawing = Arc::new(Drawing::of(&flow, kept));
        *latest = Some(Arc::clone(&drawing));
        Ok(drawing)
    }
}

/// The drawings of the flows that are followed, and of the list.
#[derive(Default)]
pub(crate) struct Drawings {
    flows: Lock<HashMap<Number, Weak<Latest>>>,
    list: Lock<Weak<DrawnRows>>,
}

impl Drawings {
    /// These rows of the list, drawn. Streams that show the same rows at the same time share a drawing.
    pub(crate) fn list(&self, rows: Vec<FlowRow>) -> Arc<DrawnRows> {
        let mut newest = self.list.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(drawn) = newest.upgrade().filter(|drawn| drawn.shows(&rows)) {
            return drawn;
        }
        let drawn = Arc::new(DrawnRows::of(rows));
        *newest = Arc::downgrade(&drawn);
        drawn
    }

    /// The latest drawing of this flow, shared by all streams that follow it.
    pub(crate) fn latest_of(&self, flow: Number) -> Arc<Latest> {
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(latest) = flows.get(&flow).and_then(Weak::upgrade) {
            return latest;
        }
        flows.retain(|_, latest| latest.strong_count() > 0);
        let latest = Arc::new(Latest::default());
        flows.insert(flow, Arc::downgrade(&latest));
        latest
    }
}

impl fmt::Debug for Drawings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Drawings(..)")
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use time::OffsetDateTime;

    use super::*;
    use crate::store::{Key, Outcome};

    fn flow(number: i64, steps: usize) -> Flow {
        Flow {
            number: Number(number),
            id: Key::parse(&"1".repeat(32)).unwrap(),
            client: None,
            began: OffsetDateTime::UNIX_EPOCH,
            last: OffsetDateTime::UNIX_EPOCH,
            outcome: Outcome::UnderWay,
            steps,
            kept_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_flow_is_drawn_once_a_change_for_all_streams_that_follow_it() {
        let latest = Latest::default();
        let reads = Lock::new(Vec::new());
        let draw = |asked: Flow, is_now: usize| {
            let (latest, reads) = (&latest, &reads);
            async move {
                let read = async {
                    reads.lock().unwrap().push(is_now);
                    // The others ask while the first one reads.
                    tokio::task::yield_now().await;
                    Ok::<_, Infallible>((flow(1, is_now), Vec::new()))
                };
                let Ok(drawing) = latest.draw(&asked, read).await;
                drawing
            }
        };
        let (first, second, third) = tokio::join!(
            draw(flow(1, 2), 2),
            draw(flow(1, 2), 2),
            draw(flow(1, 2), 2)
        );
        assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&first, &third));
        assert_eq!(*reads.lock().unwrap(), [2]);
        // A stream that knows of three steps takes the drawing of four.
        draw(flow(1, 3), 4).await;
        draw(flow(1, 3), 4).await;
        draw(flow(1, 4), 4).await;
        assert_eq!(*reads.lock().unwrap(), [2, 4]);
        // Merged into another flow, it is drawn again.
        draw(flow(2, 4), 5).await;
        assert_eq!(*reads.lock().unwrap(), [2, 4, 5]);
    }

    #[test]
    fn streams_of_a_flow_share_its_drawing_and_the_last_one_removes_it() {
        let drawings = Drawings::default();
        let (first, second) = (drawings.latest_of(Number(1)), drawings.latest_of(Number(1)));
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &drawings.latest_of(Number(2))));
        drop((first, second));
        let _other = drawings.latest_of(Number(3));
        assert_eq!(drawings.flows.lock().unwrap().len(), 1);
    }
}
