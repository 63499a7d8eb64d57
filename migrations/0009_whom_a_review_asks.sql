-- A question to the user is answered by the run's own user too, whatever their role.
ALTER TABLE reviews ADD COLUMN asks text NOT NULL DEFAULT 'reviewer' CHECK (asks IN ('user', 'reviewer'));
