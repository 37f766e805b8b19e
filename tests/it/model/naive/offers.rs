//! Orders whose client has to accept their route (RR10, RR15).

use bulkhead::domain::order::Order;
use bulkhead::domain::state::{OrderState, TradingState};

use super::{Content, Model, Place};

impl Model {
    fn drop_offer(&mut self, at: usize) {
        self.change(at, |order| {
            order.end = Some(OrderState::Released);
            order.owed = Some(0);
        });
    }

    /// Nobody accepted it in time.
    pub(super) fn lapse(&mut self, at: usize) {
        if self.orders[at].is_offered() && self.now.mono >= self.orders[at].deadline {
            self.orders[at].lapsed = true;
            self.drop_offer(at);
        }
    }

    /// Whether nothing new may leave this bucket for this venue.
    fn is_stopped(&self, bucket: usize, venue: &str, at: usize) -> bool {
        let order = &self.orders[at];
        let around = self.states.iter().filter(|(place, _)| match place {
            Place::Instrument(instrument) => *instrument == order.instrument,
            Place::Venue(stopped) => *stopped == venue,
            Place::Client(client) => *client == order.client.as_str(),
            Place::Everything => true,
            Place::Bucket(_) | Place::Group(_) => false,
        });
        let groups = self.pools[bucket].path.iter();
        groups
            .map(|group| self.groups[*group].state)
            .chain(around.map(|(_, state)| *state))
            .chain([self.pools[bucket].state])
            .any(|state| state >= TradingState::CancelOnly)
    }

    /// A halt takes back what is not accepted, from where it was asked and where it is.
    pub fn void_stopped(&mut self) {
        for at in 0..self.orders.len() {
            let order = &self.orders[at];
            if !order.is_offered() {
                continue;
            }
            let (source, asked) = order.offer.clone().unwrap();
            let (venue, _) = self.pools[order.bucket].accounts[order.account];
            let stopped =
                self.is_stopped(order.bucket, venue, at) || self.is_stopped(source, &asked, at);
            if stopped {
                self.told_of(at);
            }
            if stopped && self.orders[at].is_offered() {
                self.orders[at].void = true;
                self.drop_offer(at);
            }
        }
    }

    /// The order behind a request, where its answer asked for acceptance and is still known.
    pub fn offered(&self, order: &Order) -> Option<usize> {
        let (client, id) = (order.key.client.as_str(), order.key.cl_ord_id.as_str());
        let slot = self.slots.get(&(client.to_owned(), id.to_owned()))?;
        let is_it = matches!(&slot.content, Content::Order(known) if known == order);
        let at = slot.order.filter(|_| is_it && self.stands(client, id))?;
        self.orders[at].offer.is_some().then_some(at)
    }

    /// Its client accepts the route of this order. Whether it may send it, or might once.
    pub fn accept(&mut self, order: &Order) -> bool {
        let Some(at) = self.offered(order) else {
            return false;
        };
        self.told_of(at);
        let now = self.now.mono;
        let order = &mut self.orders[at];
        if order.is_offered() {
            order.accept(now);
        }
        order.accepted.is_some()
    }
}
