"""Enkeltsager: approved, admitted, discharged; days by a stated convention, billed monthly in arrears."""
