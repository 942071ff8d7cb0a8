"""mLAMA (Kassner, Dufter and Schütze, EACL 2021): fetching, identifying and reading a release."""
