//! Memory set aside in advance, and grown a little at a time: a place that is freed is the next to be used.

/// Values in one step of growth: some tens of kilobytes.
const STEP: usize = 64;

/// Values under numbers.
pub struct Pool<T> {
    steps: Vec<Box<[Option<T>]>>,
    free: Vec<u32>,
    used: usize,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self {
            steps: Vec::new(),
            free: Vec::new(),
            used: 0,
        }
    }
}

impl<T> Pool<T> {
    /// Sets memory aside, and touches it, until so many values fit.
    pub fn reserve(&mut self, count: usize) {
        while self.steps.len().saturating_mul(STEP) < count && self.grow().is_some() {}
    }

    fn grow(&mut self) -> Option<()> {
        let first = self.steps.len().checked_mul(STEP)?;
        let last = u32::try_from(first.checked_add(STEP)?).ok()?;
        self.steps.push((0..STEP).map(|_| None).collect());
        let first = u32::try_from(first).ok()?;
        self.free.extend((first..last).rev());
        Some(())
    }

    fn place(&mut self, at: u32) -> Option<&mut Option<T>> {
        let at = usize::try_from(at).ok()?;
        self.steps.get_mut(at / STEP)?.get_mut(at % STEP)
    }

    /// Stores a value; nothing only where numbers have run out.
    pub fn insert(&mut self, value: T) -> Option<u32> {
        if self.free.is_empty() {
            self.grow()?;
        }
        let at = self.free.pop()?;
        *self.place(at)? = Some(value);
        self.used = self.used.saturating_add(1);
        Some(at)
    }

    /// The value under a number.
    pub fn get(&self, at: u32) -> Option<&T> {
        let at = usize::try_from(at).ok()?;
        self.steps.get(at / STEP)?.get(at % STEP)?.as_ref()
    }

    /// The value under a number.
    pub fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        self.place(at)?.as_mut()
    }

    /// Takes a value out.
    pub fn remove(&mut self, at: u32) -> Option<T> {
        let value = self.place(at)?.take()?;
        self.free.push(at);
        self.used = self.used.saturating_sub(1);
        Some(value)
    }

    /// Values stored.
    pub const fn len(&self) -> usize {
        self.used
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_place_set_free_is_used_again_and_numbers_stay() {
        let mut pool = Pool::default();
        pool.reserve(3);
        let held = pool.steps.len();
        let first = pool.insert("first").unwrap();
        let second = pool.insert("second").unwrap();
        assert_eq!(pool.remove(first), Some("first"));
        assert_eq!(pool.remove(first), None);
        assert_eq!(pool.insert("third"), Some(first));
        assert_eq!(pool.get(first), Some(&"third"));
        assert_eq!(pool.get_mut(second), Some(&mut "second"));
        assert_eq!((pool.len(), pool.steps.len()), (2, held));
        for _ in 0..STEP {
            pool.insert("more").unwrap();
        }
        assert_eq!((pool.len(), pool.steps.len()), (STEP + 2, held + 1));
    }
}
