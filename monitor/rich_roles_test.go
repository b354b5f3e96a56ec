package monitor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wtsim/wtsim/props"
	"pgregory.net/rapid"
)

// What the reference knows of events with several roles: they have one binding
// each, and an instance takes them in all roles whose binding it contains.

// roles are the types that events of a type are.
func (ri *rich) roles(kind int) (all []int) {
	for role, of := range ri.of {
		if of == kind {
			all = append(all, role)
		}
	}
	return all
}

// roleName is how coverage calls a type.
func (ri *rich) roleName(role int) string {
	name := fmt.Sprintf("T%d", ri.of[role])
	if ri.of[role] == ri.other {
		name = "other"
	}
	if len(ri.roles(ri.of[role])) < 2 {
		return name
	}
	var vars []string
	for _, v := range ri.types[role].binds {
		vars = append(vars, fmt.Sprintf("v%d", v))
	}
	return name + "(" + strings.Join(vars, ", ") + ")"
}

// drawRoles makes some types roles of others.
func (ri *rich) drawRoles(t *rapid.T) {
	for role := range ri.types {
		ri.of = append(ri.of, role)
	}
	if ri.vars == 0 || rapid.IntRange(0, 2).Draw(t, "roles") > 0 {
		return
	}
	for role := 1; role < len(ri.types); role++ {
		of := rapid.IntRange(0, role).Draw(t, "of")
		if of = ri.of[of]; !slices.ContainsFunc(ri.roles(of), func(r int) bool { return slices.Equal(ri.types[r].binds, ri.types[role].binds) }) {
			ri.of[role] = of
		}
	}
}

// drawOther makes some type stand for all that are not named.
func (ri *rich) drawOther(t *rapid.T) {
	if ri.other = -1; rapid.IntRange(0, 2).Draw(t, "has others") == 0 {
		ri.other = ri.of[rapid.IntRange(0, len(ri.types)-1).Draw(t, "other")]
	}
}

// letter is how the property names a type.
func (ri *rich) letter(role int) props.Letter {
	if ri.of[role] == ri.other {
		return props.Other()
	}
	return props.On(fmt.Sprintf("T%d", ri.of[role]))
}

// drawName draws what an event that is not named is called; empty is usual.
func (ri *rich) drawName(t *rapid.T, kind int) string {
	if kind != ri.other {
		return ""
	}
	return rapid.SampledFrom([]string{"", "U", "V"}).Draw(t, "name")
}

// drawHappening draws an event with what all its roles bind.
func (ri *rich) drawHappening(t *rapid.T, some int) happening {
	o := ri.draw(t, some)
	o.kind = ri.of[o.kind]
	for _, role := range ri.roles(o.kind) {
		for len(o.values) < len(ri.types[role].binds) {
			o.values = append(o.values, rapid.IntRange(0, some-1).Draw(t, "value"))
		}
	}
	return o
}

// bindings are those of an event, by the roles that it has; none if it is
// malformed.
func (r *richRun) bindings(e int) (roles []int, all []bound) {
	if r.as[e].kind == r.other && r.flaw == namedAlone {
		return nil, nil
	}
	for _, role := range r.roles(r.as[e].kind) {
		if r.as[e].kind == r.other && slices.Contains(r.as[e].values[:len(r.types[role].binds)], missing) {
			continue
		}
		b, ok := r.binding(happening{kind: role, values: r.as[e].values})
		if !ok {
			return nil, nil
		}
		for v := r.universals(); v < r.vars; v++ {
			b[v] = -1
		}
		roles, all = append(roles, role), append(all, b)
	}
	return roles, all
}

// rolesIn are the roles in which an event is in the slice of an instance.
func (r *richRun) rolesIn(e int, in bound) (all []int) {
	roles, bindings := r.bindings(e)
	for i, b := range bindings {
		if b.within(in) && (i == 0 || r.flaw != firstRoleAlone) {
			all = append(all, roles[i])
		}
	}
	return all
}

func (ri *rich) hasRoles() bool {
	return slices.ContainsFunc(ri.of, func(kind int) bool { return len(ri.roles(kind)) > 1 })
}
