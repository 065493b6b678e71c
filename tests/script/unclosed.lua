local function f()
  if true then
    print(1)
end
-- err: orch: unclosed.lua:10: 'end' expected (to close 'function' at line 1) near <eof>
-- err:    1 | local function f()
-- err:      | ^
-- err: the 'function' of line 1 has no end
-- exit: 3
