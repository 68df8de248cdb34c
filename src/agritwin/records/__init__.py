"""Records: who did what and when on a holding, what its sensors said, what models answered. SQLite or PostgreSQL."""
