"""The house rules, executable: what fails here names the mend."""
