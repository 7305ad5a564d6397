"""Which of the Five Safes, and which requirement of SATRE v2, each rule gives evidence for.

Source: Five Safes (Desai, Ritchie, Welpton 2016); SATRE specification 2.0.1, requirement indices.
A rule is evidence for a requirement; it does not by itself meet it.
"""

SAFES = {
    "projects": "Safe projects: is this use of the data appropriate?",
    "people": "Safe people: can those who act be trusted to act properly?",
    "settings": "Safe settings: does the environment prevent unauthorised use?",
    "data": "Safe data: is there a disclosure risk in the data itself?",
    "outputs": "Safe outputs: do the results disclose anybody?",
}

#: Rule -> (one of the Five Safes, SATRE v2 requirement indices).
CROSSWALK: dict[str, tuple[str, tuple[str, ...]]] = {
    "PRE-01": ("projects", ("1.4.01", "1.4.02", "1.3.02", "1.5.04")),
    "PRE-02": ("projects", ("1.4.01", "3.1.01")),
    "PRE-03": ("projects", ("1.4.01", "1.4.02", "3.1.01")),
    "PRE-04": ("settings", ("2.5.01", "1.2.04")),
    "PRE-05": ("settings", ("2.2.03", "2.4.04", "2.1.13")),
    "PRE-06": ("people", ("1.5.03", "3.2.03")),
    "ING-01": ("data", ("3.1.04", "3.1.12")),
    "ING-02": ("data", ("3.1.04",)),
    "ING-03": ("data", ("3.1.04", "3.1.11")),
    "ING-04": ("data", ("3.1.03", "3.1.13")),
    "ING-05": ("data", ("3.1.04", "3.1.11")),
    "ING-06": ("data", ("3.1.04", "3.1.20")),
    "ING-07": ("data", ("3.1.01", "2.5.01")),
    "ING-08": ("data", ("3.1.01", "2.5.01")),
    "ING-09": ("data", ("3.1.13", "2.5.01")),
    "PSE-01": ("data", ("2.8.04", "2.8.05")),
    "PSE-02": ("data", ("2.8.05",)),
    "PSE-03": ("settings", ("3.1.12", "2.5.03")),
    "PSE-04": ("data", ("3.1.11",)),
    "PSE-05": ("data", ("1.3.03", "2.8.04")),
    "PSE-06": ("data", ("1.3.03", "2.8.05")),
    "PSE-07": ("data", ("3.1.12",)),
    "LNK-01": ("settings", ("3.2.03", "3.1.12")),
    "LNK-02": ("projects", ("1.2.02", "2.2.03")),
    "LNK-03": ("outputs", ("3.3.06",)),
    "LNK-04": ("outputs", ("3.3.06",)),
    "LNK-05": ("outputs", ("3.3.02", "3.3.07")),
    "LNK-06": ("outputs", ("3.3.06",)),
    "HHD-01": ("data", ("3.1.13",)),
    "HHD-02": ("outputs", ("3.3.06", "3.3.08")),
    "HHD-03": ("data", ("3.1.03", "3.3.01")),
    "AGG-00": ("outputs", ("3.3.02", "3.3.03")),
    "AGG-01": ("outputs", ("3.3.04", "3.3.08")),
    "AGG-02": ("outputs", ("3.3.04", "3.3.08")),
    "AGG-03": ("outputs", ("3.3.06", "3.3.07", "3.3.08")),
    "AGG-04": ("outputs", ("3.3.04", "3.3.08")),
    "AGG-05": ("outputs", ("3.3.06", "3.3.08")),
    "AGG-06": ("outputs", ("3.3.06", "3.3.08", "1.3.03")),
    "PUB-01": ("people", ("3.3.05", "3.1.07")),
    "PUB-02": ("outputs", ("3.1.05", "3.1.20")),
    "PUB-03": ("outputs", ("3.1.05", "3.3.02")),
    "PUB-04": ("outputs", ("3.3.09", "3.4.01", "3.4.02")),
    "PUB-05": ("outputs", ("1.3.03", "3.3.06")),
    "RET-01": ("data", ("3.1.08", "3.1.09")),
    "RET-02": ("data", ("3.1.10", "1.4.04")),
    "RET-03": ("settings", ("3.1.10",)),
    "RET-04": ("data", ("3.1.01", "2.5.01")),
}
