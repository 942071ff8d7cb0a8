"""The colours of all figures: Okabe and Ito (2008), told apart with any common colour blindness."""

INK, MUTED, PALE, GRID = "#1B1F24", "#5B6570", "#B9C4CE", "#E3E6EA"
ACCENT, CONTRAST = "#0072B2", "#D55E00"
TYPE_COLOURS = {
    "shared": "#0072B2",
    "independent": "#009E73",
    "transferred": "#E69F00",
    "naming_cue": "#CC79A7",
    "shared_tokens": "#7DC3EE",
    "easy": "#CC79A7",
    "luck": "#8A949E",
    "not_predicted": "#C8CCD0",
}
TYPE_NAMES = {
    "shared": "Shared",
    "independent": "Independent",
    "transferred": "Transferred",
    "naming_cue": "Easy: naming cue",
    "shared_tokens": "Easy: shared tokens",
    "easy": "Easy",
    "luck": "Luck",
    "not_predicted": "Not predicted",
}
