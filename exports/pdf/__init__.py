"""The invoice and the credit note as a person reads them: PDF with the e-invoice within."""
