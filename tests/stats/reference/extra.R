# Further reference results for tests/stats: Rscript extra.R extra.json (R 4.2.2, survival 3.5.3).
# The data (survival::lung) are written into the JSON, so that the tests need no R.
library(survival)
num <- function(x) unname(as.numeric(x))
json <- function(x) {
  if (is.list(x)) return(paste0("{", paste0('"', names(x), '": ', sapply(x, json), collapse = ",\n"), "}"))
  one <- function(v) if (is.na(v)) "null" else if (is.character(v)) paste0('"', v, '"') else format(v, digits = 17)
  paste0("[", paste(sapply(x, one), collapse = ", "), "]")
}
d <- lung[complete.cases(lung[, c("time", "status", "age", "sex", "ph.ecog", "inst")]), ]
d$event <- d$status - 1
out <- list(data = list(time = d$time, event = d$event, age = d$age, sex = d$sex, ecog = d$ph.ecog, inst = d$inst))
f <- coxph(Surv(time, event) ~ age + sex + ph.ecog, d, control = coxph.control(eps = 1e-14, iter.max = 50))
s <- summary(f)
out$cox <- list(coef = num(coef(f)), se = num(sqrt(diag(vcov(f)))), loglik = num(f$loglik), lr = num(s$logtest),
                wald = num(s$waldtest), score = num(s$sctest), concordance = num(s$concordance))
d$copy <- 2 * d$age - d$sex
fa <- coxph(Surv(time, event) ~ age + sex + copy + factor(ph.ecog), d, control = coxph.control(eps = 1e-14, iter.max = 50))
out$aliased <- list(coef = num(coef(fa)))
k <- survfit(Surv(time, event) ~ sex, d); t <- summary(k)$table
ks <- summary(k, times = c(0, 100, 365, 1000, 1500), extend = TRUE)
out$km <- list(median = num(t[, "median"]), lower = num(t[, "0.95LCL"]), upper = num(t[, "0.95UCL"]), surv = num(ks$surv),
               std_err = num(ks$std.err), low = num(ks$lower), high = num(ks$upper), n_risk = num(ks$n.risk))
kl <- survfit(Surv(time, event) ~ 1, d, conf.type = "log-log")
out$km_loglog <- list(lower = num(kl$lower), upper = num(kl$upper), surv = num(kl$surv), time = num(kl$time))
r <- survfit(Surv(time, 1 - event) ~ 1, d); out$reverse <- list(median = num(summary(r)$table[c("median", "0.95LCL", "0.95UCL")]))
l <- survdiff(Surv(time, event) ~ ph.ecog, d); out$logrank <- list(chisq = num(l$chisq), p = num(l$pvalue), expected = num(l$exp))
m1 <- coxph(Surv(time, event) ~ age, d); m2 <- coxph(Surv(time, event) ~ ph.ecog, d)
both <- concordance(m1, m2); byc <- concordance(Surv(time, event) ~ age, d, reverse = TRUE, cluster = inst)
one <- concordance(Surv(time, event) ~ ph.ecog, d, reverse = TRUE)
out$concordance <- list(both = num(coef(both)), vcov = num(vcov(both)), cluster_se = num(sqrt(byc$var)), count = num(one$count))
g <- glm(I(ph.ecog > 0) ~ age + factor(sex), binomial, d, epsilon = 1e-14, maxit = 50)
out$glm <- list(coef = num(coef(g)), se = num(sqrt(diag(vcov(g)))), loglik = num(logLik(g)))
out$lowess <- list(y = num(lowess(d$age, d$event, iter = 0)$y))
k3 <- kruskal.test(age ~ ph.ecog, d); sp <- suppressWarnings(cor.test(d$age, d$time, method = "spearman", exact = FALSE))
out$association <- list(kruskal = num(c(k3$statistic, k3$p.value)), spearman = num(c(sp$estimate, sp$p.value)),
                        yates = num(c(chisq.test(table(d$sex, d$event))$statistic, chisq.test(table(d$sex, d$event))$p.value)),
                        wilcox = num(c(wilcox.test(age ~ sex, d, exact = FALSE)$statistic, wilcox.test(age ~ sex, d, exact = FALSE)$p.value)))
p <- c(0.01, 0.2, 0.03, 0.03, 0.8, 0.0004); out$adjust <- list(p = p, bh = num(p.adjust(p, "BH")), by = num(p.adjust(p, "BY")))
v <- data.frame(a = c(12, 7, 3, 0), b = c(5, 5, 9, 6), c = c(4, 9, 8, 7), d = c(13, 2, 11, 5))
out$fisher <- list(table = num(t(v)), estimate = num(apply(v, 1, function(x) fisher.test(matrix(x, 2, byrow = TRUE))$estimate)),
                   p = num(apply(v, 1, function(x) fisher.test(matrix(x, 2, byrow = TRUE))$p.value)))
b <- binom.test(7, 20); out$binom <- list(exact = num(b$conf.int), wilson = num(prop.test(7, 20, correct = FALSE)$conf.int))
cat(json(out), file = commandArgs(TRUE)[1])
