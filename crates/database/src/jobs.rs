//! What waits for the writer: a verb with the way back to its caller, with its types erased.

use std::any::Any;

use tokio::sync::oneshot;

use crate::{Connection, Unavailable, Verb};

/// The way back to the caller of a verb.
pub(crate) type Caller<T> = oneshot::Sender<Result<T, Unavailable>>;

/// One verb, or a set of them, that waits for the writer.
pub(crate) trait Job: Any + Send {
    /// Leaves out those whose callers wait no more, and tells whether anybody is left.
    fn is_awaited(&mut self) -> bool;

    /// Runs it and keeps its answer until the transaction has ended. It may run again after a
    /// transaction that was rolled back.
    fn run<'c>(&'c mut self, tx: &'c mut Connection) -> Verb<'c, ()>;

    /// Answers: what it made is committed, or an error has taken it away.
    fn answer(self: Box<Self>, ended: Result<(), Unavailable>);

    /// Takes in a job that can run as one with this one, or gives it back.
    fn take_in(&mut self, other: Box<dyn Job>) -> Option<Box<dyn Job>> {
        Some(other)
    }

    /// The verbs in it, each by itself.
    fn apart(self: Box<Self>) -> Vec<Box<dyn Job>>;
}

/// A verb that runs by itself.
struct One<F, T> {
    verb: F,
    made: Option<T>,
    caller: Caller<T>,
}

/// A verb that runs by itself.
pub(crate) fn one<T, F>(verb: F, caller: Caller<T>) -> Box<dyn Job>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> Verb<'c, T> + Clone + Send + 'static,
{
    Box::new(One {
        verb,
        made: None,
        caller,
    })
}

impl<F, T> Job for One<F, T>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Connection) -> Verb<'c, T> + Clone + Send + 'static,
{
    fn is_awaited(&mut self) -> bool {
        !self.caller.is_closed()
    }

    fn run<'c>(&'c mut self, tx: &'c mut Connection) -> Verb<'c, ()> {
        let verb = self.verb.clone();
        Box::pin(async {
            self.made = Some(verb(tx).await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, ended: Result<(), Unavailable>) {
        answer(self.caller, self.made, ended);
    }

    fn apart(self: Box<Self>) -> Vec<Box<dyn Job>> {
        vec![self]
    }
}

/// A verb whose statements take many inputs at once.
pub trait Set: Clone + Send + Sync + Sized + 'static {
    /// What came of one input.
    type Answer: Send + 'static;

    /// Whether the input can be in one set with others. It cannot where what comes of it depends on
    /// what comes of one of them: two uses of one token are two sets, of which the second sees what the
    /// first did.
    fn goes_with(&self, others: &[Self]) -> bool;

    /// Runs the set in one transaction. The answers stand in the order of the inputs.
    fn run(tx: &mut Connection, inputs: Vec<Self>) -> Verb<'_, Vec<Self::Answer>>;
}

/// Inputs of one verb that run together.
struct Together<S: Set> {
    inputs: Vec<S>,
    made: Vec<S::Answer>,
    callers: Vec<Caller<S::Answer>>,
}

/// A verb that may run in a set.
pub(crate) fn set<S: Set>(input: S, caller: Caller<S::Answer>) -> Box<dyn Job> {
    Box::new(Together {
        inputs: vec![input],
        made: Vec::new(),
        callers: vec![caller],
    })
}

impl<S: Set> Job for Together<S> {
    fn is_awaited(&mut self) -> bool {
        let inputs = std::mem::take(&mut self.inputs).into_iter();
        let callers = std::mem::take(&mut self.callers).into_iter();
        (self.inputs, self.callers) = inputs
            .zip(callers)
            .filter(|(_, caller)| !caller.is_closed())
            .unzip();
        !self.callers.is_empty()
    }

    fn run<'c>(&'c mut self, tx: &'c mut Connection) -> Verb<'c, ()> {
        let inputs = self.inputs.clone();
        Box::pin(async {
            let made = S::run(tx, inputs).await?;
            if made.len() != self.inputs.len() {
                return Err(Unavailable::unreadable("a set that answers too few"));
            }
            self.made = made;
            Ok(())
        })
    }

    fn answer(self: Box<Self>, ended: Result<(), Unavailable>) {
        let mut made = self.made.into_iter();
        for caller in self.callers {
            answer(caller, made.next(), ended.clone());
        }
    }

    fn take_in(&mut self, other: Box<dyn Job>) -> Option<Box<dyn Job>> {
        let same = (&*other as &dyn Any).downcast_ref::<Self>();
        let goes_with = |same: &Self| {
            same.inputs
                .iter()
                .all(|input| input.goes_with(&self.inputs))
        };
        if !same.is_some_and(goes_with) {
            return Some(other);
        }
        if let Ok(other) = (other as Box<dyn Any>).downcast::<Self>() {
            self.inputs.extend(other.inputs);
            self.callers.extend(other.callers);
        }
        None
    }

    fn apart(self: Box<Self>) -> Vec<Box<dyn Job>> {
        let verbs = self.inputs.into_iter().zip(self.callers);
        verbs.map(|(input, caller)| set(input, caller)).collect()
    }
}

fn answer<T>(caller: Caller<T>, made: Option<T>, ended: Result<(), Unavailable>) {
    let answer = ended.and_then(|()| {
        made.ok_or_else(|| Unavailable::unreadable("a verb that was committed and never run"))
    });
    // The caller may have stopped waiting.
    drop(caller.send(answer));
}
