"""MLflow: runs, registered models and their aliases. Nothing else imports it."""
