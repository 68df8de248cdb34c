"""Annual crops: growth and water of fields by WOFOST 7.2, over an ensemble of members."""
