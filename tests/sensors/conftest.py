from hypothesis import settings

settings.register_profile("no deadline", deadline=None)  # machines differ
settings.load_profile("no deadline")
