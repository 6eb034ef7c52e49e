-- SPDX-License-Identifier: Apache-2.0
-- Keep addresses out of a network security group for a while. It lets go by itself.
local nsg = use "azure.nsg"

return playbook {
  name    = "block-attacker-ip",
  summary = "Block addresses in a network security group, for a while",

  params = {
    nsg     = { "arm_id", "the group", type_of = "Microsoft.Network/networkSecurityGroups" },
    ips     = { "list of ip", "the addresses to block" },
    expires = { "duration", "for how long", default = "24h" },
  },

  run = function(p, ctx)
    if #p.ips == 0 then
      error("ips is empty: there is nobody to block")
    end
    nsg.block_ips { id = p.nsg, ips = p.ips, expires = p.expires }
  end,
}
