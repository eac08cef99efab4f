//! The bound half of every strategy that copies: one donor after the other until no gap is left.

use compose_core::{BoundFill, Canvas, DonorUse, FillInput, KindError, Needs, PlannedFill, Temporal};

/// Copies each donor's pixels as they are into the gaps that the donors before it left.
pub(crate) struct CopyInOrder {
    pub donors: Vec<DonorUse>,
    pub skipped: Vec<(usize, String)>,
    pub notes: Vec<String>,
}

impl PlannedFill for CopyInOrder {
    fn donors(&self) -> &[DonorUse] {
        &self.donors
    }

    fn needs(&self) -> Needs {
        Needs { temporal: Temporal::OneByOne, only_copies: true, ..Needs::default() }
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        self.skipped.clone()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

impl BoundFill for CopyInOrder {
    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError> {
        for donor in input.donors {
            canvas.copy_from(donor.scene, donor.block, input.window, donor.exact);
        }
        Ok(())
    }
}
