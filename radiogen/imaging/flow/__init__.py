"""Parts of Doppler: coloured pixels and vessels, the envelope and beats of a spectrum."""
