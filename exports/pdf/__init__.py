"""What people read on paper, as PDF: invoices with the e-invoice within, usage statements."""
