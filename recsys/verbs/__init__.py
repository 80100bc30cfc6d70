"""Files and options in, artefacts and answers out: the verbs, which ``recsys.api`` gathers."""
