"""The year's deadlines as an iCalendar feed that Outlook and other calendars read."""
