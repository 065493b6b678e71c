-- Prints what ai.compare has brought: answers with time, tokens and cost, the picked one
-- marked, and who failed and why.
--
--   show(orch.ai.compare(question, providers))
local tty = orch.tty

-- On one line, cut where the terminal ends.
local function fit(text, columns)
  text = text:gsub("%s+", " ")
  if tty.width(text) <= columns then return text end
  while tty.width(text) > columns - 3 do text = text:sub(1, utf8.offset(text, -1) - 1) end
  return text .. "..."
end

return function(r)
  local room = math.min(tty.size(), 120) - 14
  for _, answer in ipairs(r.responses) do
    local mark = answer == r.best and tty.style("* ", "bold green") or "  "
    local cost, tokens = orch.ai.cost(answer), answer.usage.total_tokens
    print(("%s%-9s  %s"):format(mark, answer.provider, fit(answer.text, room)))
    print(tty.style(("%13s%.2f s, %s%s%s"):format("", answer.elapsed, answer.model,
      tokens and (", %d tokens"):format(tokens) or "", cost and (", $%.6f"):format(cost) or ""),
      "dim"))
  end
  for _, failure in ipairs(r.failures) do
    print(tty.style("x " .. fit(failure.error.message, room + 10), "red"))
  end
  print()
end
