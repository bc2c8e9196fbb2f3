"""How it leaves: workbooks, papers, e-invoices and posting files, each with a pure layout and a writer."""
